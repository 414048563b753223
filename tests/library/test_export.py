"""Exports: every row once, unknown told from empty, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.api import default, instagram
from postkeep.errors import ConfigError, ExtraMissing
from postkeep.stages import exporting as stage
from postkeep.store import exporting
from postkeep.views.exports import ColumnType, Exported, ExportFormat
from tests.library.world import World, with_pictures
from tests.records import EPOCH, post

DOCS = Path(__file__).parents[2] / "docs"


def lines(here: World, what: Exported, form: ExportFormat = ExportFormat.JSONL, **only: Any) -> str:
    parts: list[str] = []
    summary = here.library.export(what, None, form=form, write=parts.append, **only)
    text = "\n".join(parts)
    assert summary.rows == len(text.splitlines()) - (form is ExportFormat.CSV) or "\n" in text
    return text


def objects(here: World, what: Exported, **only: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(here, what, **only).splitlines()]


def table(here: World, what: Exported) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(lines(here, what, ExportFormat.CSV))))


def fill(here: World) -> None:
    """Two observed posts with a picture, and a creator with followers and figures."""
    here.bring(with_pictures(1, here.asset("D4A"), text="one"), post(2, text=""))
    here.bring(post(2, text=""), at=EPOCH + timedelta(days=1))
    here.now_is(datetime(2025, 9, 17, 9, 30, tzinfo=UTC))
    default.use(here.library)
    try:
        instagram.track_follower_growth("4401122334", "paula.paints", 1000)
        figures = instagram.calculate_analytics([], [], 1000)
        instagram.update_creator_analytics("4401122334", figures, 3)
    finally:
        default.use(None)


def test_every_export_has_all_rows_and_the_same_values_in_both_texts(here: World) -> None:
    fill(here)
    assert {what: len(objects(here, what)) for what in Exported} == {
        Exported.POSTS: 2,
        Exported.MEDIA: 1,
        Exported.SNAPSHOTS: 3,
        Exported.FOLLOWERS: 1,
        Exported.ANALYTICS: 1,
    }
    for what in Exported:
        found, cells = objects(here, what), table(here, what)
        names = [column.name for column in exporting.columns(what)]
        assert [*found[0]] == [*cells[0]] == names
        for one, row in zip(found, cells, strict=True):
            for name, value in one.items():
                shown = json.dumps(value) if isinstance(value, bool | int) else value
                assert row[name] == ("" if value is None else str(shown)), name


def test_times_are_utc_unknown_is_null_and_types_are_those_told(here: World) -> None:
    fill(here)
    checks: dict[ColumnType, Any] = {
        ColumnType.TEXT: str,
        ColumnType.INTEGER: int,
        ColumnType.FLOAT: float,
        ColumnType.BOOLEAN: bool,
        ColumnType.TIME: str,
    }
    for what in Exported:
        for one in objects(here, what):
            for column in exporting.columns(what):
                value = one[column.name]
                assert value is None or type(value) is checks[column.type], column.name
                if column.type is ColumnType.TIME and value is not None:
                    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value)
    [figures] = objects(here, Exported.ANALYTICS)
    assert (figures["total_api_calls"], figures["avg_engagement_rate"]) == (3, None)
    assert '"",' in lines(here, Exported.POSTS, ExportFormat.CSV)
    [media] = objects(here, Exported.MEDIA)
    assert (media["cached"], media["duration"], media["download_state"]) == (True, None, "fetched")


def test_only_what_is_asked_for(here: World) -> None:
    fill(here)
    assert len(objects(here, Exported.SNAPSHOTS, since=EPOCH + timedelta(hours=1))) == 1
    assert len(objects(here, Exported.SNAPSHOTS, author="jane-doe", platform="linkedin")) == 3
    assert objects(here, Exported.SNAPSHOTS, author="nobody") == []
    assert objects(here, Exported.POSTS, author="a\0") == []
    assert objects(here, Exported.POSTS, platform="instagram") == []
    assert len(objects(here, Exported.FOLLOWERS, author="paula.paints", platform="instagram")) == 1
    assert objects(here, Exported.ANALYTICS, platform="linkedin") == []


def test_pages_follow_each_other(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here.bring(*(post(serial) for serial in range(1, 8)), fetch=False)
    whole = objects(here, Exported.POSTS)
    monkeypatch.setattr(exporting, "PAGE", 3)
    assert objects(here, Exported.POSTS) == whole
    assert len({one["post_id"] for one in whole}) == 7


def test_what_is_chosen_is_the_same_in_small_pages(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here.bring(*(post(serial) for serial in range(1, 8)), fetch=False)
    whole = objects(here, Exported.POSTS)
    since = EPOCH + timedelta(days=4)
    for name in {each["author_username"] for each in whole}:
        monkeypatch.setattr(exporting, "PAGE", 2)
        found = objects(here, Exported.POSTS, author=name)
        assert found == [each for each in whole if each["author_username"] == name]
    found = objects(here, Exported.POSTS, since=since, platform="linkedin")
    assert found == [each for each in whole if each["posted_at"] >= since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")]


def test_a_reader_that_leaves_ends_it(here: World) -> None:
    fill(here)
    parts: list[str] = []
    summary = here.library.export(
        Exported.POSTS, None, form=ExportFormat.CSV, write=parts.append, stop=lambda: True
    )
    assert (summary.rows, len(parts)) == (0, 1)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1", "'"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_runs_what_strangers_wrote(here: World, text: str) -> None:
    here.bring(post(1, text=text), fetch=False)
    [row] = table(here, Exported.POSTS)
    assert row["text"] == f"'{text}"
    [one] = objects(here, Exported.POSTS)
    assert one["text"] == text


@given(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1)
)
def test_any_text_comes_back_from_csv(texts: list[str | None]) -> None:
    texts = ["p-1", *texts]
    columns = tuple(exporting.Column(str(place), "", ColumnType.TEXT) for place in range(len(texts)))
    written = stage._csv_line(columns, tuple(texts))
    [row] = csv.reader(io.StringIO(written + "\n", newline=""))
    assert [each.removeprefix("'") for each in row] == [each or "" for each in texts]
    assert not any(each[:1] in tuple("=+-@\t\r\n") for each in row if each)


# --- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_file_is_whole_or_not_there_and_for_its_user_alone(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(here)
    target = here.folder / "out.csv"
    target.write_text("old")

    def breaks(*given: Any) -> Any:
        yield [("p-1", *[None] * (len(exporting.columns(Exported.POSTS)) - 1))]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(exporting, "pages", breaks)
        with pytest.raises(KeyboardInterrupt):
            here.library.export(Exported.POSTS, target, form=ExportFormat.CSV)
    assert target.read_text() == "old"

    summary = here.library.export(Exported.POSTS, target, form=ExportFormat.CSV)
    assert (summary.rows, summary.file) == (2, str(target))
    assert target.read_text() == lines(here, Exported.POSTS, ExportFormat.CSV) + "\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in here.folder.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_cannot_be_written_is_told(here: World) -> None:
    with pytest.raises(ConfigError, match="cannot write"):
        here.library.export(Exported.POSTS, here.folder / "none" / "out.csv", form=ExportFormat.CSV)
    with pytest.raises(ConfigError, match="plain file"):
        here.library.export(Exported.POSTS, here.folder, form=ExportFormat.CSV)
    with pytest.raises(ConfigError, match="Parquet"):
        here.library.export(Exported.POSTS, None, form=ExportFormat.PARQUET)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_parquet_without_its_extra_names_it(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ExtraMissing, match=r"\[analytics\]"):
        here.library.export(Exported.POSTS, here.folder / "out.parquet", form=ExportFormat.PARQUET)
    assert not (here.folder / "out.parquet").exists()


def test_parquet_holds_the_same_with_types(here: World) -> None:
    pl = pytest.importorskip("polars")
    types = {
        ColumnType.TEXT: pl.String,
        ColumnType.INTEGER: pl.Int64,
        ColumnType.FLOAT: pl.Float64,
        ColumnType.BOOLEAN: pl.Boolean,
        ColumnType.TIME: pl.Datetime("us", "UTC"),
    }
    for filled in (False, True):
        if filled:
            fill(here)
        for what in Exported:
            target = here.folder / f"{what}.parquet"
            here.library.export(what, target, form=ExportFormat.PARQUET)
            frame = pl.read_parquet(target)
            assert dict(frame.schema) == {each.name: types[each.type] for each in exporting.columns(what)}
            told = [
                {
                    name: value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value
                    for name, value in row.items()
                }
                for row in frame.to_dicts()
            ]
            assert told == objects(here, what)
    assert [path.name for path in here.folder.iterdir() if path.name.endswith(".part")] == []


def test_the_columns_are_those_of_the_documentation() -> None:
    page = (DOCS / "export.md").read_text()
    for what in Exported:
        section = page.partition(f"\n## {what}\n")[2].partition("\n## ")[0]
        told = re.findall(r"^\| `([a-z0-9_]+)` \| ([a-z]+) \|", section, re.M)
        assert told == [(each.name, str(each.type)) for each in exporting.columns(what)]
