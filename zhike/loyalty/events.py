"""What loyalty tells the log; every subject is the person, so that one timeline is one index range."""

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
class MemberEnrolled(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.member_enrolled"
    source: str
    mall_id: int | None
    merchant_id: int | None


@dataclass(frozen=True, slots=True)
class MemberStatusChanged(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.member_status_changed"
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CardReplaced(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.card_replaced"
    number: str


@dataclass(frozen=True, slots=True)
class PointsEarned(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_earned"
    receipt_id: str
    points: int
    occurred_at: dt.datetime
    available_on: dt.date | None = None

    @property
    def happened_at(self) -> dt.datetime:
        return self.occurred_at


@dataclass(frozen=True, slots=True)
class PointsReleased(_OfMember):
    """Points of a purchase can be spent from now on: its return window has closed."""

    type: ClassVar[str] = "zhike.loyalty.points_released"
    receipt_id: str
    points: int


@dataclass(frozen=True, slots=True)
class PointsClawedBack(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_clawed_back"
    receipt_id: str
    return_id: str
    points: int
    debt_points: int


@dataclass(frozen=True, slots=True)
class PointsRedeemed(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_redeemed"
    redemption_id: str
    points: int
    value_fen: int


@dataclass(frozen=True, slots=True)
class PointsHeld(_OfMember):
    """Points were set aside for a purchase that is being paid."""

    type: ClassVar[str] = "zhike.loyalty.points_held"
    hold_id: str
    points: int
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class HoldEnded(_OfMember):
    """A hold was confirmed, released, or ran out; ``used_points`` were spent, ``returned_points`` given back."""

    type: ClassVar[str] = "zhike.loyalty.hold_ended"
    hold_id: str
    status: str
    used_points: int
    returned_points: int


@dataclass(frozen=True, slots=True)
class PointsRestored(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_restored"
    redemption_id: str
    points: int


@dataclass(frozen=True, slots=True)
class PointsAdjusted(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_adjusted"
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class PointsAwarded(_OfMember):
    """Points for something else than a purchase: ``reason`` is check_in, birthday, referral, mission, prize, journey, welcome or stamps."""

    type: ClassVar[str] = "zhike.loyalty.points_awarded"
    reason: str
    points: int
    reference: str


@dataclass(frozen=True, slots=True)
class AwardTakenBack(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_taken_back"
    reason: str
    points: int
    reference: str


@dataclass(frozen=True, slots=True)
class RatesPublished(Fact):
    """A version of the redemption rates; ``cut_bp`` is how much less it makes points worth at most, in basis points."""

    type: ClassVar[str] = "zhike.loyalty.redemption_rates_published"
    program_id: int
    version: int
    effective_from: dt.datetime
    cut_bp: int
    keeps: bool

    @property
    def subject(self) -> str:
        return f"program/{self.program_id}"


@dataclass(frozen=True, slots=True)
class RateNoticeGiven(Fact):
    """Everybody who holds points was told of a version that makes them worth less: ``told`` members."""

    type: ClassVar[str] = "zhike.loyalty.rate_notice_given"
    program_id: int
    version: int
    told: int

    @property
    def subject(self) -> str:
        return f"program/{self.program_id}"


@dataclass(frozen=True, slots=True)
class TierPolicyPublished(Fact):
    """A version of the terms of the tiers; ``worsens``: it takes something away, so members are told before it begins."""

    type: ClassVar[str] = "zhike.loyalty.tier_policy_published"
    program_id: int
    version: int
    effective_from: dt.datetime
    worsens: bool

    @property
    def subject(self) -> str:
        return f"program/{self.program_id}"


@dataclass(frozen=True, slots=True)
class TierNoticeGiven(Fact):
    """Every member was told of a version of the terms that takes something away: ``told`` members."""

    type: ClassVar[str] = "zhike.loyalty.tier_notice_given"
    program_id: int
    version: int
    told: int

    @property
    def subject(self) -> str:
        return f"program/{self.program_id}"


@dataclass(frozen=True, slots=True)
class AdjustmentAsked(_OfMember):
    """A correction of points waits for somebody else's decision; of several members the first is named."""

    type: ClassVar[str] = "zhike.loyalty.points_adjustment_asked"
    adjustment_id: int
    points: int
    members: int


@dataclass(frozen=True, slots=True)
class AdjustmentDecided(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_adjustment_decided"
    adjustment_id: int
    approved: bool
    points: int
    members: int


@dataclass(frozen=True, slots=True)
class PointsReinstated(_OfMember):
    """Points that had expired were given back."""

    type: ClassVar[str] = "zhike.loyalty.points_reinstated"
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class WaiverAsked(_OfMember):
    """Somebody asked that a member's debt be let go."""

    type: ClassVar[str] = "zhike.loyalty.points_waiver_asked"
    waiver_id: int
    points: int


@dataclass(frozen=True, slots=True)
class WaiverDecided(_OfMember):
    """Somebody else decided; ``points`` were let go, none when refused."""

    type: ClassVar[str] = "zhike.loyalty.points_waiver_decided"
    waiver_id: int
    approved: bool
    points: int


@dataclass(frozen=True, slots=True)
class PhotoClaimHandedIn(_OfMember):
    """A member handed in the photograph of a paper receipt; ``suspicions`` are codes of what spoke against it."""

    type: ClassVar[str] = "zhike.loyalty.photo_claim_handed_in"
    claim_id: str
    merchant_id: int
    mall_id: int
    net_fen: int
    state: str
    suspicions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhotoClaimDecided(_OfMember):
    """Staff looked at a photographed receipt: its points, or the code of the reason why none."""

    type: ClassVar[str] = "zhike.loyalty.photo_claim_decided"
    claim_id: str
    merchant_id: int
    mall_id: int
    approved: bool
    reason: str
    net_fen: int
    points: int
    receipt_id: str = ""


@dataclass(frozen=True, slots=True)
class SpendingRestrained(_OfMember):
    """A member may not spend points, nor earn any if ``stops_earning``, until it is lifted."""

    type: ClassVar[str] = "zhike.loyalty.spending_restrained"
    restraint_id: int
    stops_earning: bool
    reference: str


@dataclass(frozen=True, slots=True)
class RestraintLifted(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.restraint_lifted"
    restraint_id: int
    reference: str


@dataclass(frozen=True, slots=True)
class GainWithdrawn(_OfMember):
    """What a receipt gave was taken out again, ``debt_points`` of it as debt."""

    type: ClassVar[str] = "zhike.loyalty.gain_withdrawn"
    withdrawal_id: int
    receipt_id: str
    points: int
    debt_points: int


@dataclass(frozen=True, slots=True)
class GainRestored(_OfMember):
    """A withdrawal was undone; ``points`` are what the goods that were kept give."""

    type: ClassVar[str] = "zhike.loyalty.gain_restored"
    withdrawal_id: int
    receipt_id: str
    points: int


@dataclass(frozen=True, slots=True)
class PointsExpired(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.points_expired"
    points: int
    expired_on: dt.date


@dataclass(frozen=True, slots=True)
class PointsForfeited(_OfMember):
    """The membership ended, and what was left of its points lapsed."""

    type: ClassVar[str] = "zhike.loyalty.points_forfeited"
    points: int


@dataclass(frozen=True, slots=True)
class TierChanged(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.tier_changed"
    before_id: int
    after_id: int
    cause: str


@dataclass(frozen=True, slots=True)
class TierKept(_OfMember):
    """At the end of its period the tier was earned again; held ``until`` that day."""

    type: ClassVar[str] = "zhike.loyalty.tier_kept"
    tier_id: int
    until: dt.date


@dataclass(frozen=True, slots=True)
class TierGranted(_OfMember):
    """A tier is lent until ``ends_at``: temporarily, or as an exception that a second person approved."""

    type: ClassVar[str] = "zhike.loyalty.tier_granted"
    grant_id: int
    tier_id: int
    ends_at: dt.datetime
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class TierGrantEnded(_OfMember):
    """A lent tier was taken back before its end."""

    type: ClassVar[str] = "zhike.loyalty.tier_grant_ended"
    grant_id: int
    tier_id: int
    cause: str


@dataclass(frozen=True, slots=True)
class MembersMerged(_OfMember):
    """``member_id`` goes on with the ``points`` (less debt) of ``merged_member_id`` too."""

    type: ClassVar[str] = "zhike.loyalty.members_merged"
    merged_member_id: int
    merge_id: int
    points: int


@dataclass(frozen=True, slots=True)
class MembersParted(_OfMember):
    """``merged_member_id`` is a member of its own again, with its ``points`` (less debt)."""

    type: ClassVar[str] = "zhike.loyalty.members_parted"
    merged_member_id: int
    merge_id: int
    points: int


@dataclass(frozen=True, slots=True)
class HouseholdFounded(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.household_founded"
    household_id: int


@dataclass(frozen=True, slots=True)
class HouseholdJoined(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.household_joined"
    household_id: int
    role: str


@dataclass(frozen=True, slots=True)
class HouseholdLeft(_OfMember):
    type: ClassVar[str] = "zhike.loyalty.household_left"
    household_id: int


@dataclass(frozen=True, slots=True)
class PointsPooled(_OfMember):
    """A member put points into the household's pool, or got them back (negative)."""

    type: ClassVar[str] = "zhike.loyalty.points_pooled"
    household_id: int
    points: int


@dataclass(frozen=True, slots=True)
class RuleVersionPublished(Fact):
    type: ClassVar[str] = "zhike.loyalty.rule_version_published"
    program_id: int
    rule_code: str
    version: int
    effective_from: dt.datetime

    @property
    def subject(self) -> str:
        return f"program/{self.program_id}"


@dataclass(frozen=True, slots=True)
class GrowthMoved(_OfMember):
    """Growth value that a member gained (or lost, below zero) by what ``reference`` names."""

    type: ClassVar[str] = "zhike.loyalty.growth_moved"
    growth: int
    reference: str
