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
