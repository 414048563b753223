"""Settings read off dataclasses: each field is a key with a type and a rule, so no second list exists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args, get_origin, get_type_hints

from postkeep.errors import ConfigError

HIDDEN = "***"

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_UNITS |= {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


# --- what there is to set -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field's type leaves open; stands in its `Annotated`.

    `name` and `variable` replace the names in files and in the environment. `check` returns the text to keep
    or raises ValueError with the reason, and is handed the folder relative paths start from. `show` hides
    what nobody should read over a shoulder; a `secret` is hidden altogether.
    """

    least: float | None = None
    most: float | None = None
    size: bool = False
    secret: bool = False
    name: str = ""
    variable: str = ""
    derived: bool = False
    check: Callable[[str, Path], str] | None = None
    show: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as users spell it: `fetch.per_host` in files, `POSTKEEP_FETCH_PER_HOST` in the environment."""

    name: str
    variable: str
    attributes: tuple[str, ...]
    kind: Any
    rule: Rule

    def of(self, owner: object) -> Any:
        """This setting's value in a configuration."""
        for attribute in self.attributes:
            owner = getattr(owner, attribute)
        return owner


def settings_of(
    owner: type, prefix: str, attributes: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> Iterator[Setting]:
    """Every setting of a dataclass and of those nested in it, in order; `prefix` starts the variables."""
    hints = get_type_hints(owner, include_extras=True)
    for each in fields(owner):
        kind, rule = _ruled(hints[each.name])
        path, spelled = (*attributes, each.name), (*names, rule.name or each.name)
        if is_dataclass(kind) and isinstance(kind, type):
            yield from settings_of(kind, prefix, path, spelled)
        elif not rule.derived:
            variable = rule.variable or prefix + "_".join(spelled).upper()
            yield Setting(".".join(spelled), variable, path, kind, rule)


def _ruled(hint: Any) -> tuple[Any, Rule]:
    if get_origin(hint) is Annotated:
        kind, *rules = get_args(hint)
        return kind, rules[0]
    return hint, Rule()


# --- reading one value --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """A value somebody gave; `textual` when its source can only hold text, as the environment does.

    `folder` is where relative paths start.
    """

    setting: Setting
    value: object
    origin: str
    folder: Path
    textual: bool

    def read(self) -> Any:
        """The value in the setting's type; raises ConfigError naming key, value and origin."""
        try:
            return self._value(self.value, self.setting.kind, self.setting.rule)
        except ValueError as error:
            self.refuse(str(error))

    def refuse(self, reason: str) -> NoReturn:
        value = repr(shown(self.setting, self.value))
        raise ConfigError(f"{self.setting.name} = {value}, from {self.origin}: {reason}")

    def _value(self, raw: Any, kind: Any, rule: Rule) -> Any:
        if get_origin(kind) is tuple:
            each, each_rule = _ruled(get_args(kind)[0])
            return tuple(self._value(one, each, each_rule) for one in _list(raw, textual=self.textual))
        if get_origin(kind) is Mapping:
            return _table(raw, textual=self.textual)
        if kind is bool:
            return _truth(raw, textual=self.textual)
        if kind is int or kind is float:
            return _within(_number(raw, kind, rule, textual=self.textual), rule)
        if kind is str:
            text = _line(raw)
            return rule.check(text, self.folder) if rule.check else text
        return full_path(raw, self.folder)


def full_path(raw: Any, folder: Path) -> Path:
    """An absolute path, `~` opened, relative ones taken from `folder`; raises ValueError with the reason."""
    text = str(raw) if isinstance(raw, Path) else _line(raw)
    if not text:
        raise ValueError("not a path")
    try:
        return (folder / Path(text).expanduser()).absolute()
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def _list(raw: Any, *, textual: bool) -> list[Any]:
    if textual and isinstance(raw, str):
        return [part.strip() for part in raw.split(",") if part.strip()]
    if isinstance(raw, list | tuple):
        return list(raw)
    raise ValueError("not a list")


def _table(raw: Any, *, textual: bool) -> dict[str, str]:
    if textual and isinstance(raw, str):
        # An agent may hold every separator one could think of, so this one is JSON.
        try:
            raw = json.loads(raw)
        except ValueError:
            raise ValueError('not a JSON object such as {"example.org": "agent"}') from None
    if not isinstance(raw, Mapping):
        raise ValueError("not a table of names and texts")
    if not all(isinstance(key, str) and isinstance(text, str) for key, text in raw.items()):
        raise ValueError('every entry must be "domain" = "text" (with the domain in quotes)')
    return {_line(key): _line(text) for key, text in raw.items()}


def _truth(raw: Any, *, textual: bool) -> bool:
    if isinstance(raw, bool):
        return raw
    if textual and isinstance(raw, str) and raw.strip().lower() in _TRUTH:
        return _TRUTH[raw.strip().lower()]
    raise ValueError("not true or false")


def _number(raw: Any, kind: type[int] | type[float], rule: Rule, *, textual: bool) -> int | float:
    if rule.size and isinstance(raw, str):
        return _size(raw)
    whole = isinstance(raw, int) and not isinstance(raw, bool)
    if whole or (kind is float and isinstance(raw, float)) or (textual and isinstance(raw, str)):
        try:
            return kind(raw)
        except (ValueError, OverflowError):
            pass
    raise ValueError("not a whole number" if kind is int else "not a number")


def _within(number: int | float, rule: Rule) -> int | float:
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("not a finite number")
    if rule.least is not None and number < rule.least:
        raise ValueError(f"must be at least {_limit(rule.least, rule)}")
    if rule.most is not None and number > rule.most:
        raise ValueError(f"must be at most {_limit(rule.most, rule)}")
    return number


def _limit(limit: float, rule: Rule) -> str:
    return _in_units(int(limit)) if rule.size else f"{limit:g}"


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError("not a size such as 500000, 100 MB or 10 GiB")
    unit = _UNITS[match[2].lower()]
    return round(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def _line(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError("not a text")
    if _CONTROL.search(raw):
        raise ValueError("holds a line break or another control character")
    return raw


# --- showing ------------------------------------------------------------------------------------


def shown(setting: Setting, value: object) -> str:
    """The value as people read it: secrets hidden, sizes in the largest unit that divides them."""
    rule = setting.rule
    if rule.secret:
        return HIDDEN if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    if rule.size and isinstance(value, int):
        return _in_units(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {text}" for key, text in value.items())
    return rule.show(str(value)) if rule.show else str(value)


def _in_units(size: int) -> str:
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size > 0 and size % _UNITS[unit[:2].lower()] == 0:
            return f"{size // _UNITS[unit[:2].lower()]} {unit}"
    return str(size)


def without_password(url: str) -> str:
    """A database URL with its password as ***."""
    # Greedy up to the last @: better to hide too much of an odd URL than to show half a password.
    url = re.sub(r"^(\s*(?:\w[\w+.-]*:/{1,2})?[^:/@?]*):.*@", rf"\1:{HIDDEN}@", url, flags=re.DOTALL)
    return re.sub(r"(?i)(password\s*=\s*)('[^']*'|[^&\s]*)", rf"\1{HIDDEN}", url)


def without_secrets(url: str) -> str:
    """An address with what stands before its host or behind its path as ***."""
    # Greedy up to the last @, as above.
    url = re.sub(r"^(\s*(?:\w[\w+.-]*:/{2})?).*@", rf"\1{HIDDEN}@", url, flags=re.DOTALL)
    return re.sub(r"[?#].*", rf"?{HIDDEN}", url, flags=re.DOTALL)
