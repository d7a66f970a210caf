"""One sheet filled in: which fields were shown, what was said, what is wrong with it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zhike.kernel.filetypes import content_type_of
from zhike.webforms.rules.definition import KEPT_AS_FILES, Condition, Definition, Field, number_of

TEXT_MAX, LONG_MAX, PHONE_MAX = 200, 2_000, 30
FILES_MAX, FILE_BYTES_MAX = 3, 10 * 2**20
SIGNATURE_BYTES_MAX = 100_000
ANSWER_BYTES_MAX = 40 * 2**20
"""All files of one answer together: whoever has the link may send them."""
FILLING_MIN = dt.timedelta(seconds=3)
"""Nobody reads and answers a form faster; programs do."""
FORM_LASTS = dt.timedelta(hours=12)

FaultCode = Literal[
    "missing", "choice", "text", "number", "range", "date", "phone", "file", "files", "signature"
]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: what it is, its bytes say."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """``values`` of the fields that were shown and answered, ``files`` likewise; ``faults`` by field."""

    values: Mapping[str, Any]
    files: Mapping[str, tuple[Upload, ...]]
    faults: Mapping[str, FaultCode]


def read(definition: Definition, given: Mapping[str, Any], files: Mapping[str, Sequence[Upload]]) -> Reading:
    """Take what was sent field by field. What a condition hides is passed over, whatever was sent for it.

    A text, number, date or phone comes as text, a choice as its option, several as a list of them, a matrix as a mapping of rows to
    options, a consent as anything that is neither empty nor false.
    """
    values: dict[str, Any] = {}
    kept: dict[str, tuple[Upload, ...]] = {}
    faults: dict[str, FaultCode] = {}
    for one in definition.asked:
        if not holds(one.when, values):
            continue
        if one.kind in KEPT_AS_FILES:
            uploads = tuple(upload for upload in files.get(one.key, ()) if upload.content)
            typed = _line(given.get(one.key), TEXT_MAX) if one.kind == "signature" else ""
            fault = _file_fault(one, uploads) if uploads else _missing(one, typed)
            if uploads and fault is None:
                kept[one.key] = uploads
            elif typed and fault is None:
                values[one.key] = typed
        else:
            value, fault = _value(one, given.get(one.key))
            if value is not None:
                values[one.key] = value
        if fault is not None:
            faults[one.key] = fault
    if sum(len(upload.content) for uploads in kept.values() for upload in uploads) > ANSWER_BYTES_MAX:
        faults |= dict.fromkeys(kept, "files")
    return Reading(values, kept, faults)


def shown(definition: Definition, values: Mapping[str, Any]) -> set[str]:
    """The fields that a condition does not hide; only answers of shown fields count."""
    seen: set[str] = set()
    for one in definition.fields:
        if holds(one.when, {key: value for key, value in values.items() if key in seen}):
            seen.add(one.key)
    return seen


def holds(condition: Condition | None, values: Mapping[str, Any]) -> bool:
    """Whether a condition is true of what was said so far."""
    if condition is None:
        return True
    value = values.get(condition.field)
    if value is None:
        return condition.op == "is_not"
    if condition.op == "contains":
        return condition.value in value
    if condition.op in ("at_least", "at_most"):
        return _compared(value, condition)
    number = number_of(condition.value) if isinstance(value, int | float) else None
    is_same = value == (condition.value if number is None else number)
    return is_same if condition.op == "is" else not is_same


def _compared(value: Any, condition: Condition) -> bool:
    limit: Any = condition.value
    if isinstance(value, int | float):
        limit = number_of(condition.value)
        if limit is None:
            return False
    elif not isinstance(value, str):
        return False
    return bool(value >= limit) if condition.op == "at_least" else bool(value <= limit)


def _missing(one: Field, value: object) -> FaultCode | None:
    return "missing" if one.is_required and not value else None


def _value(one: Field, given: Any) -> tuple[Any, FaultCode | None]:
    """What was said, or None; and what is wrong with it."""
    if given is None or given == "" or given == [] or given == {}:
        return None, _missing(one, None)
    if one.kind in ("text", "long", "phone"):
        return _words(one, given)
    if one.kind == "single":
        return (given, None) if given in one.options else (None, "choice")
    if one.kind == "many":
        chosen = [given] if isinstance(given, str) else given
        if not isinstance(chosen, list) or not all(
            isinstance(item, str) and item in one.options for item in chosen
        ):
            return None, "choice"
        return [option for option in one.options if option in chosen], None
    if one.kind == "matrix":
        return _matrix(one, given)
    if one.kind == "consent":
        return (True, None) if given else (None, _missing(one, None))
    if one.kind == "date":
        return _date(given)
    return _number(one, given)


def _words(one: Field, given: Any) -> tuple[Any, FaultCode | None]:
    limit = {"long": LONG_MAX, "phone": PHONE_MAX}.get(one.kind, TEXT_MAX)
    text = (
        given.replace("\r\n", "\n").strip()
        if isinstance(given, str) and one.kind == "long"
        else _line(given, None)
    )
    if not isinstance(given, str) or len(text) > limit or "\x00" in text:
        return None, "text"
    return (text, None) if text else (None, _missing(one, None))


def _line(given: Any, limit: int | None) -> str:
    return " ".join(given.replace("\x00", "").split())[:limit] if isinstance(given, str) else ""


def _matrix(one: Field, given: Any) -> tuple[Any, FaultCode | None]:
    """Pairs of row and option in the order of the rows; a required matrix wants every row."""
    if not isinstance(given, Mapping):
        return None, "choice"
    pairs = [[row, given[row]] for row in one.rows if given.get(row)]
    if any(option not in one.options for _row, option in pairs) or set(given) - set(one.rows):
        return None, "choice"
    if one.is_required and len(pairs) < len(one.rows):
        return pairs or None, "missing"
    return pairs or None, None


def _date(given: Any) -> tuple[Any, FaultCode | None]:
    try:
        return dt.date.fromisoformat(given).isoformat(), None
    except (TypeError, ValueError):
        return None, "date"


def _number(one: Field, given: Any) -> tuple[Any, FaultCode | None]:
    number = None if isinstance(given, bool) else number_of(given)
    if number is None or number != number:
        return None, "number"
    if one.scale:
        return (int(number), None) if number in one.scale else (None, "choice")
    if (one.low is not None and number < one.low) or (one.high is not None and number > one.high):
        return None, "range"
    return int(number) if number.is_integer() else number, None


def _file_fault(one: Field, uploads: Sequence[Upload]) -> FaultCode | None:
    kinds = [content_type_of(upload.content[:64]) for upload in uploads]
    if one.kind == "signature":
        is_fine = kinds == ["image/png"] and len(uploads[0].content) <= SIGNATURE_BYTES_MAX
        return None if is_fine else "signature"
    if len(uploads) > FILES_MAX or not all(kinds):
        return "file"
    return "file" if any(len(upload.content) > FILE_BYTES_MAX for upload in uploads) else None


# --- when and how often --------------------------------------------------------------------------------------------

State = Literal["draft", "closed", "early", "over", "full", "open"]


def state_of(
    *, is_published: bool, is_open: bool, opens_at: dt.datetime | None, closes_at: dt.datetime | None, answered: int,
    answers_max: int, now: dt.datetime,
) -> State:  # fmt: skip
    """Whether a form takes answers now, and if not why; ``answers_max`` 0 is no limit."""
    if not is_published:
        return "draft"
    if not is_open:
        return "closed"
    if opens_at is not None and now < opens_at:
        return "early"
    if closes_at is not None and now >= closes_at:
        return "over"
    return "full" if answers_max and answered >= answers_max else "open"


def net_promoters(scores: Mapping[int, int]) -> float | None:
    """The net promoter score, from -100 to 100: the share of 9 and 10 less the share of 0 to 6 (Reichheld 2003)."""
    total = sum(scores.values())
    if not total:
        return None
    high = sum(count for score, count in scores.items() if score >= 9)
    low = sum(count for score, count in scores.items() if score <= 6)
    return 100 * (high - low) / total
