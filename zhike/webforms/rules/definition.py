"""A form as it is built: its fields in their order, and what its answers set off. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

CHOOSING = ("single", "many")
SCALES = {"rating": (1, 5), "nps": (0, 10)}
ASKING = (
    "text", "long", "single", "many", "rating", "nps", "matrix", "number", "date", "phone", "file", "signature", "consent",
)  # fmt: skip
SAYING = ("heading", "paragraph")
KINDS = (*ASKING, *SAYING)
WORDED = ("text", "long", "phone", "date")
"""What may name somebody, and is kept encrypted."""
KEPT_AS_FILES = ("file", "signature")
NOT_COMPARED = ("file", "signature", "matrix", "consent", *SAYING)
"""Fields on which no condition can rest."""
OPERATORS = ("is", "is_not", "contains", "at_least", "at_most")
PROFILE: Mapping[str, tuple[str, ...]] = {
    "name": ("text",),
    "sex": ("single",),
    "birthday": ("date",),
    "occupation": ("text", "single"),
    "address": ("text", "long"),
}
"""What of a profile a field can say, and by which kinds."""
FIELDS_MAX, OPTIONS_MAX, LABEL_MAX, TEXT_MAX, OPTION_MAX = 60, 40, 200, 1_000, 60

FaultCode = Literal[
    "title", "empty", "too_many", "label", "options", "rows", "range", "condition", "condition_order", "profile", "consent",
    "enrol", "ticket_place", "ticket",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """True when the earlier field's answer compares so; a field without an answer makes only "is_not" true."""

    field: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """``options`` to choose from (the columns of a matrix), ``rows`` of a matrix, ``low`` and ``high`` bound a number.

    ``profile`` is what of a member's profile the answer is, ``tags`` the tag of an option, ``suggests`` makes options
    suggestions of tags; ``purpose`` and ``channel`` are what a consent is for.
    """

    key: str
    kind: str
    label: str
    help: str = ""
    is_required: bool = False
    options: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    when: Condition | None = None
    profile: str = ""
    tags: Mapping[str, int] = field(default_factory=dict)
    suggests: bool = False
    purpose: str = ""
    channel: str = ""

    @property
    def asks(self) -> bool:
        return self.kind in ASKING

    @property
    def scale(self) -> tuple[int, ...]:
        low, high = SCALES.get(self.kind, (0, -1))
        return tuple(range(low, high + 1))


@dataclass(frozen=True, slots=True)
class TicketDeed:
    """An answer opens a ticket, always or when the condition holds."""

    type: str
    severity: str
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class EnrolDeed:
    """Who answers becomes a member by these two fields. ``needs_code``: the phone is proved before anything is sent."""

    name: str
    phone: str
    needs_code: bool = True


@dataclass(frozen=True, slots=True)
class Definition:
    title: str
    intro: str = ""
    thanks: str = ""
    fields: tuple[Field, ...] = ()
    ticket: TicketDeed | None = None
    enrol: EnrolDeed | None = None

    def field(self, key: str) -> Field | None:
        return next((one for one in self.fields if one.key == key), None)

    @property
    def asked(self) -> tuple[Field, ...]:
        return tuple(one for one in self.fields if one.asks)

    def earlier(self, key: str) -> tuple[Field, ...]:
        """The fields before one on which its condition may rest; all of them for a field that is not there."""
        place = self.place(key)
        before = self.fields if place is None else self.fields[:place]
        return tuple(one for one in before if one.kind not in NOT_COMPARED)

    def place(self, key: str) -> int | None:
        return next((n for n, one in enumerate(self.fields) if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a form cannot be published; ``key`` names the field, "" the form."""

    code: FaultCode
    key: str = ""


# --- as JSON -------------------------------------------------------------------------------------------------------


def as_json(definition: Definition) -> dict[str, Any]:
    return dataclasses.asdict(definition)


def of_json(data: Mapping[str, Any]) -> Definition:
    """What ``as_json`` wrote."""
    return Definition(
        title=data["title"],
        intro=data.get("intro", ""),
        thanks=data.get("thanks", ""),
        fields=tuple(_field(one) for one in data.get("fields", ())),
        ticket=_ticket(data.get("ticket")),
        enrol=EnrolDeed(**data["enrol"]) if data.get("enrol") else None,
    )


def _field(data: Mapping[str, Any]) -> Field:
    values = dict(data)
    values["options"], values["rows"] = tuple(data.get("options", ())), tuple(data.get("rows", ()))
    values["when"] = _condition(data.get("when"))
    return Field(**values)


def _ticket(data: Mapping[str, Any] | None) -> TicketDeed | None:
    return TicketDeed(data["type"], data["severity"], _condition(data.get("when"))) if data else None


def _condition(data: Mapping[str, str] | None) -> Condition | None:
    return Condition(data["field"], data["op"], data["value"]) if data else None


# --- building ------------------------------------------------------------------------------------------------------


def added(definition: Definition, new: Field) -> Definition:
    return dataclasses.replace(definition, fields=(*definition.fields, new))


def replaced(definition: Definition, new: Field) -> Definition:
    fields = tuple(new if one.key == new.key else one for one in definition.fields)
    return dataclasses.replace(definition, fields=fields)


def removed(definition: Definition, key: str) -> Definition:
    fields = tuple(one for one in definition.fields if one.key != key)
    return dataclasses.replace(definition, fields=fields)


def moved(definition: Definition, key: str, place: int) -> Definition:
    """The field stands at this place among the others (0 is first; beyond the last is last)."""
    one = definition.field(key)
    if one is None:
        return definition
    rest = [other for other in definition.fields if other.key != key]
    rest.insert(max(0, place), one)
    return dataclasses.replace(definition, fields=tuple(rest))


def next_key(definition: Definition, used: Sequence[str] = ()) -> str:
    """A key that no field has or had, so that figures of old answers are never another field's."""
    numbers = [
        int(key[1:]) for key in (*used, *(one.key for one in definition.fields)) if key[1:].isdecimal()
    ]
    return f"q{max(numbers, default=0) + 1}"


# --- checking ------------------------------------------------------------------------------------------------------


def faults(definition: Definition, *, has_mall: bool) -> list[Fault]:
    """Everything that keeps a form from being published."""
    found = [] if definition.title.strip() else [Fault("title")]
    if not definition.asked:
        found.append(Fault("empty"))
    if len(definition.fields) > FIELDS_MAX:
        found.append(Fault("too_many"))
    for one in definition.fields:
        found.extend(Fault(code, one.key) for code in _field_faults(definition, one))
    return found + list(_deed_faults(definition, has_mall))


def _field_faults(definition: Definition, one: Field) -> Iterator[FaultCode]:
    if one.kind not in KINDS or not one.label.strip():
        yield "label"
    if one.kind in (*CHOOSING, "matrix") and not _distinct(one.options, 2):
        yield "options"
    if one.kind == "matrix" and not _distinct(one.rows, 1):
        yield "rows"
    if one.low is not None and one.high is not None and one.low > one.high:
        yield "range"
    if one.profile and one.kind not in PROFILE.get(one.profile, ()):
        yield "profile"
    if one.kind == "consent" and not (one.purpose and one.channel):
        yield "consent"
    if one.when is not None:
        yield from _condition_faults(one.when, definition.earlier(one.key))


def _distinct(texts: Sequence[str], least: int) -> bool:
    return least <= len(texts) <= OPTIONS_MAX and len(set(texts)) == len(texts) and all(texts)


def _condition_faults(condition: Condition, earlier: Sequence[Field]) -> Iterator[FaultCode]:
    """A condition rests on an earlier field only, so conditions never go in a circle."""
    ground = next((one for one in earlier if one.key == condition.field), None)
    if ground is None:
        yield "condition_order"
    elif not _fits(condition, ground):
        yield "condition"


def _fits(condition: Condition, ground: Field) -> bool:
    """Whether an answer of this field can be compared so."""
    if condition.op not in operators(ground.kind) or not condition.value:
        return False
    if ground.kind in CHOOSING:
        return condition.value in ground.options
    is_ordered = condition.op in ("at_least", "at_most") and ground.kind != "date"
    return not is_ordered or number_of(condition.value) is not None


def operators(kind: str) -> tuple[str, ...]:
    """How an answer of this kind can be compared."""
    if kind == "many":
        return ("contains",)
    if kind in (*SCALES, "number"):
        return ("at_least", "at_most", "is", "is_not")
    if kind == "date":
        return ("at_least", "at_most", "is")
    return ("is", "is_not", "contains")


def number_of(text: str) -> float | None:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 1e15 else None


def _deed_faults(definition: Definition, has_mall: bool) -> Iterator[Fault]:
    ticket, enrol = definition.ticket, definition.enrol
    if ticket is not None:
        if not has_mall:
            yield Fault("ticket_place")
        if ticket.when is not None and list(_condition_faults(ticket.when, definition.earlier(""))):
            yield Fault("ticket")
    if enrol is not None:
        kinds = {one.key: (one.kind, one.is_required, one.when) for one in definition.fields}
        if kinds.get(enrol.name) != ("text", True, None) or kinds.get(enrol.phone) != ("phone", True, None):
            yield Fault("enrol")
