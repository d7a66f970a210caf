"""What sources tell the log. The subject is the person, the visitor, or, where neither may be kept, the source."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class BehaviourObserved(Fact):
    """Somebody did something: ``name`` is page_viewed, product_viewed … or the source's own word, as in ``said``.

    ``kind`` is the call (track, page, screen, group). ``basis`` is why it may be kept: consent, contract, or anonymous,
    where nothing in it leads to a person. Amounts in ``properties`` that end in _fen are integers in fen.
    """

    type: ClassVar[str] = "zhike.collection.behaviour_observed"
    source_id: int
    kind: str
    name: str
    said: str
    basis: str
    at: dt.datetime
    person_id: int | None
    visitor_id: int | None
    properties: dict[str, Any]
    context: dict[str, Any]

    @property
    def subject(self) -> str:
        if self.person_id is not None:
            return f"person/{self.person_id}"
        return f"source/{self.source_id}" if self.visitor_id is None else f"visitor/{self.visitor_id}"

    @property
    def happened_at(self) -> dt.datetime | None:
        return self.at


@dataclass(frozen=True, slots=True)
class VisitorStitched(Fact):
    """What this visitor did until then is this person's; ``until`` None: all of it, also what is to come."""

    type: ClassVar[str] = "zhike.collection.visitor_stitched"
    person_id: int
    visitor_id: int
    until: dt.datetime | None

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class VisitorShared(Fact):
    """A second person signed in: what was given to ``person_id`` is nobody's again."""

    type: ClassVar[str] = "zhike.collection.visitor_shared"
    person_id: int
    other_person_id: int
    visitor_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class _SourceFact(Fact):
    source_id: int

    @property
    def subject(self) -> str:
        return f"source/{self.source_id}"


@dataclass(frozen=True, slots=True)
class SourceSaved(_SourceFact):
    type: ClassVar[str] = "zhike.collection.source_saved"
    kind: str
    is_trusted: bool
    is_active: bool


@dataclass(frozen=True, slots=True)
class WriteKeyMade(_SourceFact):
    type: ClassVar[str] = "zhike.collection.write_key_made"
    key_id: int


@dataclass(frozen=True, slots=True)
class WriteKeyEnded(_SourceFact):
    """At once, or at ``ends_at`` after a rotation."""

    type: ClassVar[str] = "zhike.collection.write_key_ended"
    key_id: int
    ends_at: dt.datetime
