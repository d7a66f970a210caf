"""What points that were spent on rewards bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from zhike.rewards.models import DrawTicket, ExchangeOrder
from zhike.rewards.queries.orders import number_of


@dataclass(frozen=True, slots=True)
class Purchase:
    """``number`` is what people call the order; of a draw, its number among the draws."""

    kind: str
    number: str
    name: str


def purchases(redemption_ids: Sequence[UUID]) -> dict[UUID, Purchase]:
    """By redemption; of those that paid for an exchange or a draw. The caller has authorised the redemptions."""
    orders = ExchangeOrder.objects.filter(redemption_id__in=redemption_ids)
    found = {
        redemption_id: Purchase("exchange", number_of(order_id), name)
        for redemption_id, order_id, name in orders.values_list("redemption_id", "id", "reward__name")
    }
    tickets = DrawTicket.objects.filter(redemption_id__in=redemption_ids)
    return found | {
        redemption_id: Purchase("draw", str(number), name)
        for redemption_id, number, name in tickets.values_list("redemption_id", "number", "draw__name")
    }
