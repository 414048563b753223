"""What happened, kept as JSON lines and told on stderr, with nothing in it that must not leave the machine.

Modules call `get_logger(__name__)` at import, which costs nothing: structlog comes with the first event that
anybody listens to. Until `configure_logging` is called nothing is written, and the events stand under the
standard logger `postkeep` for the program that embeds us.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from postkeep.errors import ConfigError, ExtraMissing
from postkeep.redaction import redact_text, redact_value

ROOT = "postkeep"
FILE_BYTES = 10 * 1000 * 1000
FILES_KEPT = 5

_RUN: ContextVar[str | None] = ContextVar("postkeep_run", default=None)
_process_run: str | None = None
_WAITING: ContextVar[dict[_LogFile, list[bytes]] | None] = ContextVar("postkeep_waiting", default=None)


class LogSettings(Protocol):
    """The part of the configuration that logging reads."""

    @property
    def log_file(self) -> Path: ...
    @property
    def sentry_dsn(self) -> str: ...


# --- speaking -----------------------------------------------------------------------------------


class Log:
    """A named voice with fields bound to it; the event is a fixed phrase, what varies is a field."""

    __slots__ = ("_fields", "_logger")

    def __init__(self, name: str, fields: Mapping[str, object] | None = None) -> None:
        self._logger = logging.getLogger(name)
        self._fields = dict(fields or {})

    def bind(self, **fields: object) -> Log:
        """The same voice with more fields."""
        return Log(self._logger.name, {**self._fields, **fields})

    def debug(self, event: str, /, **fields: object) -> None:
        self._say(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        self._say(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        self._say(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        self._say(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """An error with the traceback of the exception that is being handled."""
        self._say(logging.ERROR, event, {"exc_info": True, **fields})

    def _say(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            _pipeline(self._logger.name).bind(**{**self._fields, **fields}).log(level, event)


def get_logger(name: str) -> Log:
    """The voice of a module; cheap, and silent until somebody listens."""
    return Log(name if name.split(".", 1)[0] == ROOT else f"{ROOT}.{name}")


@contextmanager
def together() -> Iterator[None]:
    """Write the lines of the block to the log file with one append: hundreds at a time cost what one does."""
    waiting: dict[_LogFile, list[bytes]] = {}
    token = _WAITING.set(waiting)
    try:
        yield
    finally:
        _WAITING.reset(token)
        for file, lines in waiting.items():
            file.append_all(lines)


class RunBinding:
    """What `bind_run` returns: leaving it as a context puts back the run that was bound before."""

    __slots__ = ("_token",)

    def __init__(self, token: Token[str | None]) -> None:
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _RUN.reset(self._token)


def bind_run(run_id: str | None) -> RunBinding:
    """Make every event of this context, and of tasks started from it, carry `run_id`."""
    return RunBinding(_RUN.set(run_id))


@cache
def _pipeline(name: str) -> Any:
    import structlog

    # Wrapped by itself: structlog.configure would change the events of the program that embeds us.
    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=[_correlate, redact, _hand_over],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=True,
    )


Event = MutableMapping[str, Any]


def _correlate(_logger: object, _method: str, event: Event) -> Event:
    run = _RUN.get() or _process_run
    if run:
        event.setdefault("correlation_id", run)
    return event


def redact(_logger: object, _method: str, event: Event) -> Event:
    """A structlog processor: the event without secrets; what `exc_info` holds is cleaned when it is written."""
    trace = event.pop("exc_info", None)
    clean: Event = redact_value(dict(event))
    if trace:
        clean["exc_info"] = trace
    return clean


def _hand_over(_logger: object, _method: str, event: Event) -> tuple[tuple[_Told], dict[str, Any]]:
    phrase = str(event.pop("event", ""))
    trace = event.pop("exc_info", None)
    return (_Told(phrase, event),), {"extra": {"phrase": phrase, "fields": event}, "exc_info": trace}


class _Told:
    """An event as people read it, put into words only when somebody does; a field `told` has them already."""

    __slots__ = ("_fields", "_phrase")

    def __init__(self, phrase: str, fields: Mapping[str, Any]) -> None:
        self._phrase, self._fields = phrase, fields

    def __str__(self) -> str:
        if "told" in self._fields:
            return _plain(self._fields["told"])
        fields = (f"{key}={_plain(value)}" for key, value in self._fields.items() if key != "correlation_id")
        return " ".join([_plain(self._phrase), *fields])


def _plain(value: object) -> str:
    # A post's text reaches the terminal here; it must not be able to move the cursor.
    text = str(value)
    return text if text.isprintable() else ascii(text)


# --- writing ------------------------------------------------------------------------------------


class _JsonLine(logging.Formatter):
    """One JSON object a line: timestamp (UTC), level, event, correlation_id, logger, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = dict(getattr(record, "fields", {}))
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        line: dict[str, Any] = {
            "timestamp": f"{moment[:-6]}Z",
            "level": record.levelname.lower(),
            "event": getattr(record, "phrase", None) or redact_text(record.getMessage()),
            "correlation_id": fields.pop("correlation_id", _RUN.get() or _process_run),
            "logger": record.name,
        }
        line |= {f"{key}_" if key in line else key: value for key, value in fields.items()}
        if record.exc_info:
            line["exception"] = redact_text(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


class _PlainLine(logging.Formatter):
    """What people read: the event and its fields, the level where it is not plain news."""

    def __init__(self, *, traces: bool) -> None:
        super().__init__()
        self._traces = traces

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        told = record.getMessage() if hasattr(record, "phrase") else redact_text(record.getMessage())
        if record.exc_info and self._traces:
            told += "\n" + redact_text(self.formatException(record.exc_info))
        return level + told


class _Stderr(logging.StreamHandler[TextIO]):
    """Looks stderr up for each line, because a progress bar puts its own in place while it is drawn."""

    def __init__(self, stream: TextIO | None) -> None:
        logging.Handler.__init__(self)
        self._fixed = stream

    @property
    def stream(self) -> TextIO:
        return self._fixed or sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        raise AttributeError("stderr is looked up for each line")


class _LogFile(logging.Handler):
    """A file of lines that turns over at a size, shared by any number of processes.

    Each line is one append under a lock on the folder, so that lines are never mixed and a turn-over is seen
    by everybody. The file exists from the first line on. When it cannot be written one warning is said, and
    each later line tries again: a disk gets room, too.
    """

    def __init__(self, path: Path, *, limit: int, kept: int) -> None:
        super().__init__()
        self._path, self._limit, self._kept = path, limit, kept
        self._warned = False

    def emit(self, record: logging.LogRecord) -> None:
        waiting = _WAITING.get()
        try:
            line = f"{self.format(record)}\n".encode()
            if waiting is not None:
                waiting.setdefault(self, []).append(line)
            else:
                self._append(line)
        except OSError as error:
            self._warn(error)
        except Exception:
            self.handleError(record)

    def append_all(self, lines: list[bytes]) -> None:
        """Append lines that waited, in one write; a disk that refuses is warned of as for one line."""
        try:
            self._append(b"".join(lines))
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            reason = error.strerror or str(error)
            print(f"warning: no log is kept: {self._path}: {reason}", file=sys.stderr)  # noqa: T201

    def _append(self, line: bytes) -> None:
        with self._folder():
            size = self._size()
            if size and size + len(line) > self._limit:
                self._turn_over()
            # Opened for each line: another process may have turned the file over since the last one.
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                before = os.fstat(file).st_size
                if os.write(file, line) != len(line):
                    os.ftruncate(file, before)
                    raise OSError("the disk is full")
            finally:
                os.close(file)

    @contextmanager
    def _folder(self) -> Iterator[None]:
        folder = self._path.parent
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _turn_over(self) -> None:
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, self._kept + 1))]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            if newer.exists():
                newer.replace(older)


# --- set-up -------------------------------------------------------------------------------------


def configure_logging(
    config: LogSettings,
    *,
    run_id: str | None = None,
    verbosity: int = 0,
    stderr: TextIO | None = None,
    file_bytes: int = FILE_BYTES,
    files_kept: int = FILES_KEPT,
) -> None:
    """Keep every event in the log file and tell the weighty ones on stderr; a second call replaces the first.

    `verbosity` 0 tells warnings and errors, 1 news too, 2 everything and tracebacks, -1 errors only.
    `run_id` marks events of contexts that bind no run of their own. Writes nothing by itself. Raises
    ExtraMissing when a Sentry DSN is set without the extra, ConfigError when it is not a DSN.
    """
    global _process_run
    release_logging()
    _process_run = run_id
    levels = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
    told = _Stderr(stderr)
    told.setLevel(levels.get(verbosity, logging.DEBUG))
    told.setFormatter(_PlainLine(traces=verbosity > 1))
    kept = _LogFile(config.log_file, limit=file_bytes, kept=files_kept)
    kept.setFormatter(_JsonLine())
    root = logging.getLogger(ROOT)
    for each in (told, kept):
        root.addHandler(each)
    root.setLevel(logging.DEBUG)
    root.propagate = False
    if config.sentry_dsn:
        _start_sentry(config.sentry_dsn, run_id)


def release_logging() -> None:
    """Undo `configure_logging`; to be called any number of times."""
    global _process_run
    _process_run = None
    root = logging.getLogger(ROOT)
    for each in [each for each in root.handlers if isinstance(each, _Stderr | _LogFile)]:
        root.removeHandler(each)
        each.close()
    root.setLevel(logging.NOTSET)
    root.propagate = True


def _start_sentry(dsn: str, run_id: str | None) -> None:
    try:
        import sentry_sdk
        from sentry_sdk.utils import BadDsn
    except ImportError:
        raise ExtraMissing("sentry", "sentry_dsn") from None
    try:
        # send_default_pii is off unless asked for, and newer versions warn of whoever names it.
        sentry_sdk.init(
            dsn=dsn,
            include_local_variables=False,
            max_request_body_size="never",
            auto_enabling_integrations=False,
            server_name="",
            before_send=_before_sentry,
            before_breadcrumb=_before_sentry,
        )
    except BadDsn:
        raise ConfigError("sentry_dsn: not a Sentry DSN") from None
    if run_id:
        sentry_sdk.set_tag("correlation_id", run_id)


def _before_sentry(event: Any, _hint: object) -> Any:
    return redact_value(event)


# Without it Python would tell warnings of a library nobody configured on stderr.
logging.getLogger(ROOT).addHandler(logging.NullHandler())
