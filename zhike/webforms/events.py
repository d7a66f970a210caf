"""What forms tell the log; never what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _OfForm(Fact):
    form_id: int

    @property
    def subject(self) -> str:
        return f"form/{self.form_id}"


@dataclass(frozen=True, slots=True)
class FormPublished(_OfForm):
    type: ClassVar[str] = "zhike.webforms.form_published"
    version: int


@dataclass(frozen=True, slots=True)
class FormClosed(_OfForm):
    """By hand; a time or a limit that is reached tells nothing."""

    type: ClassVar[str] = "zhike.webforms.form_closed"


@dataclass(frozen=True, slots=True)
class FormAnswered(Fact):
    """Somebody sent a form in; the subject is the person, if they are known. ``channel`` is link, kiosk, member or api."""

    type: ClassVar[str] = "zhike.webforms.form_answered"
    form_id: int
    answer_id: str
    version: int
    channel: str
    name: str
    person_id: int | None = None

    @property
    def subject(self) -> str:
        return f"form/{self.form_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class LeadSettled(Fact):
    """Staff spoke to somebody who left a phone: ``outcome`` is enrolled, known or dismissed."""

    type: ClassVar[str] = "zhike.webforms.lead_settled"
    form_id: int
    answer_id: str
    outcome: str
    person_id: int | None = None

    @property
    def subject(self) -> str:
        return f"form/{self.form_id}" if self.person_id is None else f"person/{self.person_id}"
