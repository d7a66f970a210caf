"""What marketing tells the log. What a person gets stands on their timeline by the message, coupon or points themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class CampaignChanged(Fact):
    """``change``: plan, edit, submit, send_back, approve, launch, pause, resume, stop, cancel, send, finish, roll_out."""

    type: ClassVar[str] = "zhike.marketing.campaign_changed"
    campaign_id: int
    change: str
    reason: str = ""

    @property
    def subject(self) -> str:
        return f"campaign/{self.campaign_id}"


@dataclass(frozen=True, slots=True)
class CampaignWaveFilled(Fact):
    """``people`` entered, of whom ``held`` get nothing; ``unreachable`` no gate would let through."""

    type: ClassVar[str] = "zhike.marketing.campaign_wave_filled"
    campaign_id: int
    number: int
    people: int
    held: int
    unreachable: int

    @property
    def subject(self) -> str:
        return f"campaign/{self.campaign_id}"


@dataclass(frozen=True, slots=True)
class CampaignLinkOpened(Fact):
    """Somebody followed the link of a campaign for the first time."""

    type: ClassVar[str] = "zhike.marketing.campaign_link_opened"
    campaign_id: int
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class MarketingPolicyChanged(Fact):
    type: ClassVar[str] = "zhike.marketing.marketing_policy_changed"
    group_id: int

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class UpliftLearnt(Fact):
    """A model of whom a message changes was learnt from ``people``; ``fault`` says why not."""

    type: ClassVar[str] = "zhike.marketing.uplift_learnt"
    run_id: int
    people: int
    learner: str
    beats_random: bool
    fault: str = ""

    @property
    def subject(self) -> str:
        return f"uplift_run/{self.run_id}"


@dataclass(frozen=True, slots=True)
class _JourneyFact(Fact):
    journey_id: int

    @property
    def subject(self) -> str:
        return f"journey/{self.journey_id}"


@dataclass(frozen=True, slots=True)
class JourneyChanged(_JourneyFact):
    """``change``: plan, edit, submit, send_back, approve, launch, pause, resume, close, stop, end."""

    type: ClassVar[str] = "zhike.marketing.journey_changed"
    change: str
    version: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _WalkFact(Fact):
    journey_id: int
    person_id: int
    member_id: int
    entry_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class JourneyEntered(_WalkFact):
    """``arm`` is walk, holdout or global: whoever is held gets nothing and is compared with."""

    type: ClassVar[str] = "zhike.marketing.journey_entered"
    version: int
    number: int
    arm: str
    cause: str


@dataclass(frozen=True, slots=True)
class JourneyLeft(_WalkFact):
    """``how``: goal, exit, leave (something happened that ends it), stop (by hand)."""

    type: ClassVar[str] = "zhike.marketing.journey_left"
    how: str
    steps: int


@dataclass(frozen=True, slots=True)
class JourneySignalled(_WalkFact):
    """Somebody passed a node that tells other systems; ``name`` is what the node calls it."""

    type: ClassVar[str] = "zhike.marketing.journey_signalled"
    name: str
    visit: int


@dataclass(frozen=True, slots=True)
class MarginRateSet(Fact):
    """Of a merchant or a line of business, the other is 0; ``margin_bp`` None: none of its own from ``valid_from`` on."""

    type: ClassVar[str] = "zhike.marketing.margin_rate_set"
    group_id: int
    merchant_id: int
    category_id: int
    margin_bp: int | None
    valid_from: str

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"
