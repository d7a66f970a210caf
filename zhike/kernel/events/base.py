"""What a fact is. Pure: contexts' `events.py` import only this module.

A fact is a frozen dataclass of ids and primitives, named in the past tense:

    @dataclass(frozen=True, slots=True)
    class PointsEarned(Fact):
        type: ClassVar[str] = "zhike.loyalty.points_earned"
        member_id: int
        points: int

        @property
        def subject(self) -> str:
            return f"member/{self.member_id}"
"""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, TypeVar

import msgspec

F = TypeVar("F", bound="Fact")
FactClass: TypeAlias = type[F]  # `type` is the name of a field below


class Fact:
    """Something that happened. Subclasses are frozen dataclasses with a `type` of their own."""

    __slots__ = ()

    type: ClassVar[str]

    @property
    def subject(self) -> str:
        """What it happened to, such as "member/12"."""
        raise NotImplementedError

    @property
    def happened_at(self) -> dt.datetime | None:
        """When it happened, if that is not the moment it is published (a receipt that arrives a day late)."""
        return None


@functools.cache
def source_of(fact_type: str) -> str:
    """The CloudEvents source of a type: "zhike.loyalty.points_earned" comes from "/zhike/loyalty"."""
    return "/" + "/".join(fact_type.split(".")[:-1])


def fact_data(fact: Fact) -> dict[str, Any]:
    """The fact's fields as JSON-safe values."""
    data: dict[str, Any] = msgspec.to_builtins(fact)
    return data


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row of the log. `time` is when it happened, `recorded_at` when we learned of it."""

    position: int
    id: uuid.UUID
    source: str
    type: str
    subject: str
    actor: str
    time: dt.datetime
    recorded_at: dt.datetime
    data: Mapping[str, Any]

    @property
    def subject_id(self) -> str:
        """The part after the slash: "12" of "member/12"."""
        return self.subject.rpartition("/")[2]

    def as_fact(self, fact_class: FactClass[F]) -> F:
        """The fact as its class. Fields added since need defaults; fields dropped since are ignored.

        Raises msgspec.ValidationError when the data do not fit.
        """
        return msgspec.convert(self.data, fact_class, strict=False)
