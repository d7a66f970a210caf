"""What rewards tell the log; an order's story stands on its member's timeline."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class RewardPublished(Fact):
    """A reward can be had from now on, or is changed while it can."""

    type: ClassVar[str] = "zhike.rewards.reward_published"
    reward_id: int
    version: int

    @property
    def subject(self) -> str:
        return f"reward/{self.reward_id}"


@dataclass(frozen=True, slots=True)
class _OfOrder(Fact):
    order_id: int
    reward_id: int
    member_id: int
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class RewardExchanged(_OfOrder):
    type: ClassVar[str] = "zhike.rewards.reward_exchanged"
    kind: str
    quantity: int
    points: int
    cash_fen: int


@dataclass(frozen=True, slots=True)
class OrderReady(_OfOrder):
    type: ClassVar[str] = "zhike.rewards.order_ready"
    collect_by: dt.datetime


@dataclass(frozen=True, slots=True)
class OrderCollected(_OfOrder):
    type: ClassVar[str] = "zhike.rewards.order_collected"
    quantity: int
    cash_fen: int


@dataclass(frozen=True, slots=True)
class OrderCancelled(_OfOrder):
    type: ClassVar[str] = "zhike.rewards.order_cancelled"
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class OrderExpired(_OfOrder):
    """Nobody collected it in time; ``points`` came back, or 0 when its terms say they do not."""

    type: ClassVar[str] = "zhike.rewards.order_expired"
    points: int


@dataclass(frozen=True, slots=True)
class OrderTakenBack(_OfOrder):
    """Goods of a collected order came back: ``points`` were given back and ``cash_fen`` is refunded."""

    type: ClassVar[str] = "zhike.rewards.order_taken_back"
    quantity: int
    points: int
    cash_fen: int


@dataclass(frozen=True, slots=True)
class _OfBenefit(Fact):
    use_id: int
    benefit_id: int
    member_id: int
    person_id: int
    quantity: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class BenefitUsed(_OfBenefit):
    type: ClassVar[str] = "zhike.rewards.benefit_used"
    mall_id: int
    cost_fen: int


@dataclass(frozen=True, slots=True)
class BenefitUseCancelled(_OfBenefit):
    """It was recorded by mistake, or not had after all: the quota is back."""

    type: ClassVar[str] = "zhike.rewards.benefit_use_cancelled"
    reason: str


@dataclass(frozen=True, slots=True)
class DrawPublished(Fact):
    """From now on nothing of it changes. Both are SHA-256: of the seed, and of the rules."""

    type: ClassVar[str] = "zhike.rewards.draw_published"
    draw_id: int
    commitment: str
    digest: str

    @property
    def subject(self) -> str:
        return f"draw/{self.draw_id}"


@dataclass(frozen=True, slots=True)
class DrawRevealed(Fact):
    """It is over, and everybody can compute every draw again."""

    type: ClassVar[str] = "zhike.rewards.draw_revealed"
    draw_id: int
    seed: str
    tickets: int

    @property
    def subject(self) -> str:
        return f"draw/{self.draw_id}"


@dataclass(frozen=True, slots=True)
class TicketDrawn(Fact):
    type: ClassVar[str] = "zhike.rewards.ticket_drawn"
    draw_id: int
    ticket_id: int
    prize_id: int
    member_id: int
    person_id: int
    points: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class PrizeCollected(Fact):
    type: ClassVar[str] = "zhike.rewards.prize_collected"
    draw_id: int
    ticket_id: int
    prize_id: int
    member_id: int
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class _OfAuction(Fact):
    auction_id: int

    @property
    def subject(self) -> str:
        return f"auction/{self.auction_id}"


@dataclass(frozen=True, slots=True)
class AuctionPublished(_OfAuction):
    """From now on nothing of its terms changes: ``digest`` is their SHA-256."""

    type: ClassVar[str] = "zhike.rewards.auction_published"
    digest: str


@dataclass(frozen=True, slots=True)
class AuctionClosed(_OfAuction):
    """It is decided: ``won`` units went, for ``points`` together. ``head`` ends the chain of all bids."""

    type: ClassVar[str] = "zhike.rewards.auction_closed"
    bids: int
    won: int
    points: int
    head: str


@dataclass(frozen=True, slots=True)
class AuctionCancelled(_OfAuction):
    """Nobody wins, and everybody's points go back."""

    type: ClassVar[str] = "zhike.rewards.auction_cancelled"
    reason: str


@dataclass(frozen=True, slots=True)
class _OfBid(Fact):
    auction_id: int
    bid_id: int
    member_id: int
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class BidPlaced(_OfBid):
    """How much it is stays between the bidder and the ledger; a sealed bid is nobody else's business."""

    type: ClassVar[str] = "zhike.rewards.bid_placed"


@dataclass(frozen=True, slots=True)
class BidOutbid(_OfBid):
    """Somebody bid more, and the points were given back."""

    type: ClassVar[str] = "zhike.rewards.bid_outbid"
    points: int


@dataclass(frozen=True, slots=True)
class AuctionWon(_OfBid):
    type: ClassVar[str] = "zhike.rewards.auction_won"
    order_id: int
    points: int


@dataclass(frozen=True, slots=True)
class AuctionLost(_OfBid):
    """It ended without them, and the points were given back."""

    type: ClassVar[str] = "zhike.rewards.auction_lost"
    points: int


@dataclass(frozen=True, slots=True)
class GiftCampaignPublished(Fact):
    """From now on nothing of its terms changes."""

    type: ClassVar[str] = "zhike.rewards.gift_campaign_published"
    campaign_id: int
    mall_id: int

    @property
    def subject(self) -> str:
        return f"gift_campaign/{self.campaign_id}"


@dataclass(frozen=True, slots=True)
class _OfGift(Fact):
    right_id: int
    campaign_id: int
    item_id: int
    mall_id: int
    member_id: int
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class GiftReserved(_OfGift):
    """A member has a right to a gift, for ``threshold_fen`` of what they spent."""

    type: ClassVar[str] = "zhike.rewards.gift_reserved"
    threshold_fen: int
    collect_by: dt.datetime


@dataclass(frozen=True, slots=True)
class GiftHandedOut(_OfGift):
    type: ClassVar[str] = "zhike.rewards.gift_handed_out"
    cost_fen: int


@dataclass(frozen=True, slots=True)
class GiftForfeited(_OfGift):
    """The right ended before the gift was fetched: ``why`` is revoked (goods came back), expired or cancelled."""

    type: ClassVar[str] = "zhike.rewards.gift_forfeited"
    why: str


@dataclass(frozen=True, slots=True)
class GiftAskedBack(_OfGift):
    """Goods came back, so that what was spent no longer suffices: the gift has to come back by ``due_on``."""

    type: ClassVar[str] = "zhike.rewards.gift_asked_back"
    due_on: dt.date
    points: int


@dataclass(frozen=True, slots=True)
class GiftKept(_OfGift):
    """A gift that was asked back may stay after all: ``why`` is covered (more was bought) or waived."""

    type: ClassVar[str] = "zhike.rewards.gift_kept"
    why: str


@dataclass(frozen=True, slots=True)
class GiftTakenBack(_OfGift):
    """The gift came back to the desk; ``points`` that had been taken for it were given back."""

    type: ClassVar[str] = "zhike.rewards.gift_taken_back"
    points: int


@dataclass(frozen=True, slots=True)
class GiftCharged(_OfGift):
    """The gift did not come back in time and its ``points`` were taken, ``debt_points`` of them into debt."""

    type: ClassVar[str] = "zhike.rewards.gift_charged"
    points: int
    debt_points: int
