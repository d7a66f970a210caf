"""What is wrong with one field, said in the caller's language: msgspec and pydantic say it in English only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_NAMED = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<field>[^`]*)`")
_AT = re.compile(r" - at `(?P<path>(?:key in )?\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")

MISSING = _("This is required.")
UNKNOWN = _("There is no such field.")
OUT_OF_RANGE = _("This number is out of range.")
TOO_LONG = _("This is too long.")
TOO_SHORT = _("This is too short.")
WRONG_TYPE = _("This has the wrong type.")
NOT_A_TIME = _("This is not a time with its offset from UTC, such as 2026-07-01T12:30:00+08:00.")
NOT_A_DATE = _("This is not a date, such as 2026-07-01.")
NOT_A_DECIMAL = _("This is not a decimal number.")
NOT_A_UUID = _("This is not a UUID.")
NOT_A_CHOICE = _("This is none of the possible values.")
BAD_CHARACTERS = _("This holds characters that are not allowed here.")
NOT_VALID = _("This is not valid.")

# The first pattern that fits msgspec's English decides.
_OF_MSGSPEC: list[tuple[re.Pattern[str], StrOrPromise]] = [
    (
        re.compile(
            r"Expected `(int|float|number|decimal)` [<>]|out of range|Expected `\w+` that's a multiple"
        ),
        OUT_OF_RANGE,
    ),
    (re.compile(r"Expected `(str|bytes|array|object)` of length <="), TOO_LONG),
    (re.compile(r"Expected `(str|bytes|array|object)` of length"), TOO_SHORT),
    (re.compile(r"Expected `str` matching"), BAD_CHARACTERS),
    (re.compile(r"encoded date\b|`date`"), NOT_A_DATE),
    (re.compile(r"RFC3339|`datetime`|timezone"), NOT_A_TIME),
    (re.compile(r"decimal", re.IGNORECASE), NOT_A_DECIMAL),
    (re.compile(r"UUID|`uuid`"), NOT_A_UUID),
    (re.compile(r"enum"), NOT_A_CHOICE),
    (re.compile(r"Expected `"), WRONG_TYPE),
]
# By pydantic's stable error type; the first prefix that fits decides.
_OF_PYDANTIC: list[tuple[str, StrOrPromise]] = [
    ("missing", MISSING),
    ("extra_forbidden", UNKNOWN),
    ("string_too_long", TOO_LONG),
    ("too_long", TOO_LONG),
    ("string_too_short", TOO_SHORT),
    ("too_short", TOO_SHORT),
    ("string_pattern", BAD_CHARACTERS),
    ("greater_than", OUT_OF_RANGE),
    ("less_than", OUT_OF_RANGE),
    ("int_parsing_size", OUT_OF_RANGE),
    ("date_from", NOT_A_DATE),
    ("date_", NOT_A_DATE),
    ("datetime", NOT_A_TIME),
    ("timezone", NOT_A_TIME),
    ("decimal_max", OUT_OF_RANGE),
    ("decimal", NOT_A_DECIMAL),
    ("uuid", NOT_A_UUID),
    ("literal_error", NOT_A_CHOICE),
    ("enum", NOT_A_CHOICE),
]


def field_of(message: str) -> tuple[str, StrOrPromise]:
    """The field (as "lines.0.quantity") and the sentence for a message of msgspec's ValidationError."""
    at = _AT.search(message)
    path = dotted(at["path"]) if at else ""
    named = _NAMED.match(message)
    if named:
        path = f"{path}.{named['field']}" if path else named["field"]
        return path, MISSING if named["what"].startswith("missing") else UNKNOWN
    sentence = next((sentence for pattern, sentence in _OF_MSGSPEC if pattern.search(message)), NOT_VALID)
    return path or "body", sentence


def dotted(path: str) -> str:
    """ "lines.0.quantity" of "$.lines[0].quantity"."""
    return ".".join(name or index for name, index in _STEP.findall(path))


def fields_of(errors: list[Mapping[str, Any]]) -> dict[str, list[StrOrPromise]]:
    """Sentences by field, for the errors that pydantic found."""
    found: dict[str, list[StrOrPromise]] = {}
    for error in errors:
        kind = str(error["type"])
        sentence = next((sentence for prefix, sentence in _OF_PYDANTIC if kind.startswith(prefix)), None)
        if sentence is None:
            sentence = WRONG_TYPE if kind.endswith(("_type", "_parsing")) else NOT_VALID
        source, *steps = error["loc"]
        name = (
            ".".join(str(step) for step in steps[1:] if source == "body")
            or ".".join(map(str, steps))
            or str(source)
        )
        found.setdefault(name, []).append(sentence)
    return found
