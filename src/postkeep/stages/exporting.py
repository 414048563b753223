"""Takes tables to other programs, written so that no spreadsheet runs what strangers wrote."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from postkeep.errors import ConfigError, ExtraMissing
from postkeep.stages.parts import Parts
from postkeep.store import exporting
from postkeep.store.bulk import moment
from postkeep.store.exporting import Column, Only
from postkeep.store.types import storable, to_text
from postkeep.views import Stop
from postkeep.views.exports import ColumnType, Exported, ExportFormat, ExportSummary

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠'")
"""What a cell must not begin with; an apostrophe before it keeps it a text, and before an apostrophe undoes it."""
_QUOTED = frozenset(',"\r\n')


def run_export(
    parts: Parts,
    exported: Exported,
    path: Path | None,
    *,
    form: ExportFormat,
    only: Only,
    write: Callable[[str], None],
    stop: Stop,
) -> ExportSummary:
    """Write all rows that are wanted to a file, or hand them to `write` as lines, page by page.

    The file is written beside its place and takes it when it is whole. Raises ConfigError where it cannot be
    written, ExtraMissing for Parquet without polars.
    """
    columns = exporting.columns(exported)
    pages = exporting.pages(parts.store, exported, only)
    if not all(storable(each) for each in (only.author, only.platform) if each is not None):
        pages = iter(())
    if path is None:
        if form is ExportFormat.PARQUET:
            raise ConfigError("Parquet is written to a file: name one")
        rows = _write(columns, pages, form, write, stop)
    else:
        rows = _to_file(columns, pages, path, form, stop)
    return ExportSummary(exported, form, None if path is None else str(path), rows)


def _write(
    columns: tuple[Column, ...],
    pages: Iterator[list[tuple[Any, ...]]],
    form: ExportFormat,
    write: Callable[[str], None],
    stop: Stop,
) -> int:
    line = _csv_line if form is ExportFormat.CSV else _json_line
    if form is ExportFormat.CSV:
        write(",".join(each.name for each in columns))
    rows = 0
    for page in pages:
        if stop():
            break
        if page:
            write("\n".join(line(columns, row) for row in page))
        rows += len(page)
    return rows


def _to_file(
    columns: tuple[Column, ...],
    pages: Iterator[list[tuple[Any, ...]]],
    path: Path,
    form: ExportFormat,
    stop: Stop,
) -> int:
    if form is ExportFormat.PARQUET:
        _must_have_polars()
    if path.exists() and not path.is_file():
        # What takes its place would put an end to a device or a pipe.
        raise ConfigError(f"{path} is no plain file: name one, or - for standard output")
    with contextlib.ExitStack() as parts:
        try:
            part = _beside(path, parts)
            with part.open("w", encoding="utf-8", newline="\n") as file:
                text = ExportFormat.JSONL if form is ExportFormat.PARQUET else form
                rows = _write(columns, pages, text, lambda lines: print(lines, file=file), stop)
                file.flush()
                os.fsync(file.fileno())
            if form is ExportFormat.PARQUET:
                lines, part = part, _beside(path, parts)
                _to_parquet(columns, lines, part, empty=not rows)
            part.replace(path)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror or error}") from error
    return rows


def _beside(path: Path, parts: contextlib.ExitStack) -> Path:
    """A new file in the same folder, readable by its user alone, that is removed unless it took its place."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    parts.callback(part.unlink, missing_ok=True)
    return part


# --- text -----------------------------------------------------------------------------------------------------


def _csv_line(columns: tuple[Column, ...], row: tuple[Any, ...]) -> str:
    return ",".join(_cell(each.type, value) for each, value in zip(columns, row, strict=True))


def _cell(kind: ColumnType, value: Any) -> str:
    """Unknown is an empty cell, an empty text two quotes."""
    if value is None:
        return ""
    match kind:
        case ColumnType.BOOLEAN:
            return "true" if value else "false"
        case ColumnType.TIME:
            return _time(value)
        case ColumnType.TEXT:
            text = f"'{value}" if value[:1] in _FORMULA else str(value)
            quoted = not text or text != text.strip() or not _QUOTED.isdisjoint(text)
            return '"' + text.replace('"', '""') + '"' if quoted else text
    return str(value)


def _json_line(columns: tuple[Column, ...], row: tuple[Any, ...]) -> str:
    values = {each.name: _value(each.type, value) for each, value in zip(columns, row, strict=True)}
    return orjson.dumps(values).decode()


def _value(kind: ColumnType, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case ColumnType.BOOLEAN:
            return bool(value)
        case ColumnType.TIME:
            return _time(value)
        case ColumnType.FLOAT:
            return float(value)
    return value


def _time(value: Any) -> str:
    at = moment(value)
    return to_text(at) if at is not None else ""


# --- Parquet --------------------------------------------------------------------------------------------------


def _must_have_polars() -> None:
    try:
        import polars  # noqa: F401
    except ImportError:
        raise ExtraMissing("analytics", "Parquet") from None


def _to_parquet(columns: tuple[Column, ...], lines: Path, part: Path, *, empty: bool) -> None:
    """Turn JSON lines into Parquet, in pieces, with the types of the columns."""
    import polars as pl

    types = {
        ColumnType.TEXT: pl.String,
        ColumnType.INTEGER: pl.Int64,
        ColumnType.FLOAT: pl.Float64,
        ColumnType.BOOLEAN: pl.Boolean,
        ColumnType.TIME: pl.String,
    }
    named = {each.name: types[each.type] for each in columns}
    frame = pl.LazyFrame(schema=named) if empty else pl.scan_ndjson(lines, schema=named)
    times = [each.name for each in columns if each.type is ColumnType.TIME]
    moments = pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")
    frame.with_columns(moments).sink_parquet(part)
