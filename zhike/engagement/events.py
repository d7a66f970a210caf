"""What engagement tells the log; the subject is the person, so that it stands on their timeline."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _OfMember(Fact):
    member_id: int
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class CheckedIn(_OfMember):
    """A member checked in; ``streak`` days in a row with this one. ``made_up``: later, for a day that was missed."""

    type: ClassVar[str] = "zhike.engagement.checked_in"
    mall_id: int
    day: dt.date
    streak: int
    points: int
    made_up: bool


@dataclass(frozen=True, slots=True)
class CheckInPlanSaved(Fact):
    type: ClassVar[str] = "zhike.engagement.check_in_plan_saved"
    mall_id: int
    version: int
    is_open: bool

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"


@dataclass(frozen=True, slots=True)
class BirthdayGiven(_OfMember):
    """A member got their birthday gift; ``day`` is the birthday."""

    type: ClassVar[str] = "zhike.engagement.birthday_given"
    day: dt.date
    points: int
    batch_id: int | None


@dataclass(frozen=True, slots=True)
class InvitationAccepted(_OfMember):
    """A new member came by somebody's invitation; ``refusal`` says why it does not count, "" when it does."""

    type: ClassVar[str] = "zhike.engagement.invitation_accepted"
    inviter_id: int
    refusal: str


@dataclass(frozen=True, slots=True)
class InvitationRewarded(_OfMember):
    """A side (inviter or invitee) got theirs; ``other_id`` is the member on the other one."""

    type: ClassVar[str] = "zhike.engagement.invitation_rewarded"
    other_id: int
    side: str
    points: int


@dataclass(frozen=True, slots=True)
class InvitationTakenBack(_OfMember):
    """The purchase behind an invitation was returned; ``points`` went back."""

    type: ClassVar[str] = "zhike.engagement.invitation_taken_back"
    points: int


@dataclass(frozen=True, slots=True)
class MissionPublished(Fact):
    """A version of a mission is out; ``is_open``: members may begin it."""

    type: ClassVar[str] = "zhike.engagement.mission_published"
    program_id: int
    mission_id: int
    version: int
    is_open: bool

    @property
    def subject(self) -> str:
        return f"program/{self.program_id}"


@dataclass(frozen=True, slots=True)
class _OnMission(_OfMember):
    mission_id: int
    name: str


@dataclass(frozen=True, slots=True)
class MissionAccepted(_OnMission):
    type: ClassVar[str] = "zhike.engagement.mission_accepted"


@dataclass(frozen=True, slots=True)
class MissionFinished(_OnMission):
    """All steps are done; the reward comes on ``due_on``, unless what counted is returned before."""

    type: ClassVar[str] = "zhike.engagement.mission_finished"
    period: dt.date
    due_on: dt.date


@dataclass(frozen=True, slots=True)
class MissionRewarded(_OnMission):
    """``batch_id``: of the coupon that was given."""

    type: ClassVar[str] = "zhike.engagement.mission_rewarded"
    period: dt.date
    points: int
    batch_id: int | None


@dataclass(frozen=True, slots=True)
class MissionTakenBack(_OnMission):
    """What had counted was returned or withdrawn; ``points`` went back."""

    type: ClassVar[str] = "zhike.engagement.mission_taken_back"
    period: dt.date
    points: int


@dataclass(frozen=True, slots=True)
class DeedRecorded(_OfMember):
    """A member did something that is no purchase: ``kind`` is review, survey, share, activity or profile."""

    type: ClassVar[str] = "zhike.engagement.deed_recorded"
    kind: str
    reference: str
    mall_id: int | None
    merchant_id: int | None
    occurred_at: dt.datetime

    @property
    def happened_at(self) -> dt.datetime:
        return self.occurred_at


@dataclass(frozen=True, slots=True)
class DeedWithdrawn(_OfMember):
    """It turned out not to be so: a review was taken down."""

    type: ClassVar[str] = "zhike.engagement.deed_withdrawn"
    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class WelcomePublished(Fact):
    """A version of a mall's welcome offer is out; ``is_open``: who joins from ``effective_from`` on is promised it."""

    type: ClassVar[str] = "zhike.engagement.welcome_published"
    mall_id: int
    version: int
    is_open: bool
    effective_from: dt.datetime

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"


@dataclass(frozen=True, slots=True)
class WelcomeGiven(_OfMember):
    """A new member got something of their welcome: with joining (no ``receipt_id``) or with the first purchase."""

    type: ClassVar[str] = "zhike.engagement.welcome_given"
    mall_id: int
    points: int
    batch_id: int | None
    receipt_id: str | None


@dataclass(frozen=True, slots=True)
class WelcomeTakenBack(_OfMember):
    """``points`` of a welcome went back: ``why`` is returned, or the refusal that came to light (same_person, not_new)."""

    type: ClassVar[str] = "zhike.engagement.welcome_taken_back"
    mall_id: int
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class WelcomeRefused(_OfMember):
    """Somebody who joined is not new: ``refusal`` is same_person, same_device or not_new."""

    type: ClassVar[str] = "zhike.engagement.welcome_refused"
    mall_id: int
    refusal: str


@dataclass(frozen=True, slots=True)
class StampCardPublished(Fact):
    """A version of a stamp card is out; ``is_open``: purchases give stamps."""

    type: ClassVar[str] = "zhike.engagement.stamp_card_published"
    mall_id: int
    card_id: int
    version: int
    is_open: bool

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"


@dataclass(frozen=True, slots=True)
class _OnCard(_OfMember):
    card_id: int
    name: str


@dataclass(frozen=True, slots=True)
class StampsCounted(_OnCard):
    """How far a member is on a card changed by ``change`` stamps: more by buying, fewer by returning."""

    type: ClassVar[str] = "zhike.engagement.stamps_counted"
    change: int
    stamps: int
    of: int


@dataclass(frozen=True, slots=True)
class StampCardRewarded(_OnCard):
    """A card is full, the ``number``-th of this member's."""

    type: ClassVar[str] = "zhike.engagement.stamp_card_rewarded"
    number: int
    points: int
    batch_id: int | None


@dataclass(frozen=True, slots=True)
class StampRewardTakenBack(_OnCard):
    """Goods came back and the card is not full any more; ``points`` went back."""

    type: ClassVar[str] = "zhike.engagement.stamp_reward_taken_back"
    number: int
    points: int
