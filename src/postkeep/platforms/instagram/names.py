"""What a post is called: its exact number, which one of several fields may hold rounded, and its shortcode."""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase, digits

from ...errors import ParseError
from ...model import OWN_ID, Alias, Json
from ..fields import MAX_ID, as_number

PLATFORM_NAME = "instagram"
SHORTCODE = "shortcode"

_LETTERS = ascii_uppercase + ascii_lowercase + digits + "-_"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FULL_ID = re.compile(r"([0-9]{1,20})_[0-9]{1,20}")
_ADDRESS = re.compile(
    r"(?i:(?:https?://)?(?:[a-z0-9-]+\.)*(?:instagram\.com|instagr\.am)/(?:[a-z0-9._]{1,30}/)?(?:p|reels?|tv)/)"
    r"([A-Za-z0-9_-]{1,64})(?:[/?#].*)?",
    re.DOTALL,
)
_STORY = re.compile(
    r"(?i:(?:https?://)?(?:[a-z0-9-]+\.)*instagram\.com/stories/[a-z0-9._]{1,30}/)([0-9]{1,20})(?:[/?#].*)?",
    re.DOTALL,
)
_EXACT = 2**53
_SECRET = 28
"""A private account's shortcodes are longer by so many characters, which open the post and name nothing."""


def exact_number(value: Json) -> str | None:
    """A numeric id as digits; None when it may have been rounded on its way: a float, or a number above 2^53."""
    if type(value) is int and value > _EXACT:
        return None
    return as_number(value)


def shortcode(value: Json) -> str | None:
    """A shortcode as it is written; None when it is none."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def shortcode_of(number: str) -> str:
    """The shortcode of a post's number."""
    rest, letters = int(number), ""
    while rest:
        rest, value = divmod(rest, 64)
        letters = _LETTERS[value] + letters
    return letters


def number_of(code: str) -> str | None:
    """The post's number that a shortcode spells; None when it spells none."""
    number = 0
    for letter in code[:-_SECRET] if len(code) > _SECRET else code:
        number = number * 64 + _VALUES[letter]
    return str(number) if 0 < number < MAX_ID else None


def full_id(value: Json) -> str | None:
    """The post's number in `{number}_{user}` or in plain digits."""
    if isinstance(value, str) and (match := _FULL_ID.fullmatch(value)):
        value = match[1]
    return exact_number(value)


def identify(record: dict[str, Json]) -> tuple[str, str]:
    """A post's number and shortcode; raises ParseError when it has none, or two that differ.

    An id that was rounded on its way gives way to the shortcode, which is always exact.
    """
    code = shortcode(record.get("code")) or shortcode(record.get("shortcode"))
    spelt = number_of(code) if code else None
    fields = (record.get("id"), record.get("strong_id__"), record.get("pk"))
    stated = next((number for number in map(full_id, fields) if number), None)
    number = stated or spelt
    if number is None:
        raise ParseError("no id", field="id")
    if spelt is not None and stated is not None and spelt != stated:
        if float(spelt) != float(stated):
            raise ParseError(f"the id {stated} and the shortcode of {spelt} name different posts", field="id")
        number = spelt
    return number, code if code and spelt else shortcode_of(number)


def item_number(record: dict[str, Json]) -> str | None:
    """The number of one picture or video; None where no field tells it exactly."""
    try:
        return identify(record)[0]
    except ParseError:
        return None


def names_of(number: str, code: str) -> tuple[Alias, ...]:
    """The other names of a post."""
    plain = shortcode_of(number)
    return tuple(Alias(SHORTCODE, name) for name in dict.fromkeys((plain, code)))


def urn_of(number: str) -> str:
    return f"{PLATFORM_NAME}:{number}"


def address_of(code: str) -> str:
    """The public address of a post, the same for pictures, videos and reels."""
    return f"https://www.instagram.com/p/{code}/"


def address_of_story(number: str, username: str | None) -> str | None:
    """The address under which a story is shown as long as it lasts; None when nobody knows whose it is."""
    return f"https://www.instagram.com/stories/{username}/{number}/" if username else None


def post_names(text: str) -> tuple[Alias, ...]:
    """The number of the post of an address, in any form a browser shows, or of `{number}_{user}`."""
    if match := _ADDRESS.fullmatch(text):
        number = number_of(match[1])
        return (Alias(OWN_ID, number),) if number else ()
    match = _STORY.fullmatch(text) or _FULL_ID.fullmatch(text)
    return (Alias(OWN_ID, match[1]),) if match else ()
