"""What has happened to persons."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _PersonFact(Fact):
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class PersonCreated(_PersonFact):
    """``source`` is where the person came from: till, import, member_app …; ``created_at`` is set for history."""

    type: ClassVar[str] = "zhike.customers.person_created"
    group_id: int
    source: str
    mall_id: int | None
    merchant_id: int | None
    identifier_kinds: tuple[str, ...]
    created_at: dt.datetime | None = None

    @property
    def happened_at(self) -> dt.datetime | None:
        return self.created_at


@dataclass(frozen=True, slots=True)
class ProfileChanged(_PersonFact):
    type: ClassVar[str] = "zhike.customers.profile_changed"
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentifierAdded(_PersonFact):
    type: ClassVar[str] = "zhike.customers.identifier_added"
    identifier_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class IdentifierRetired(_PersonFact):
    """``reason`` is lost, replaced, given_up …"""

    type: ClassVar[str] = "zhike.customers.identifier_retired"
    identifier_id: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class IdentifiersConflicted(_PersonFact):
    """Identifiers that came together belong to two persons: to be looked at, perhaps merged."""

    type: ClassVar[str] = "zhike.customers.identifiers_conflicted"
    other_person_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class PersonsMerged(_PersonFact):
    """Two persons are one: ``person_id`` stands for both, ``merged_id`` leads there. Nothing else was rewritten."""

    type: ClassVar[str] = "zhike.customers.persons_merged"
    merged_id: int
    merge_id: int


@dataclass(frozen=True, slots=True)
class PersonsParted(_PersonFact):
    """A merge was undone: ``merged_id`` is a person of its own again, with what came by its identifiers meanwhile."""

    type: ClassVar[str] = "zhike.customers.persons_parted"
    merged_id: int
    merge_id: int


@dataclass(frozen=True, slots=True)
class MergeProposed(_PersonFact):
    """Two persons may be one, but a second member of staff has to agree; ``guards`` say why."""

    type: ClassVar[str] = "zhike.customers.merge_proposed"
    merged_id: int
    merge_id: int
    guards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergeDeclined(_PersonFact):
    type: ClassVar[str] = "zhike.customers.merge_declined"
    merged_id: int
    merge_id: int


@dataclass(frozen=True, slots=True)
class AssociateAssigned(_PersonFact):
    type: ClassVar[str] = "zhike.customers.associate_assigned"
    staff_id: int | None


@dataclass(frozen=True, slots=True)
class PersonalDataRevealed(_PersonFact):
    type: ClassVar[str] = "zhike.customers.personal_data_revealed"
    what: str
