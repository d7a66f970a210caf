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
