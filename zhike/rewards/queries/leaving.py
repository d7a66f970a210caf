"""What a human being who leaves has ordered for points and not collected."""

from __future__ import annotations

from collections.abc import Sequence

from zhike.rewards.models import ExchangeOrder
from zhike.rewards.queries.orders import order_view

OPEN = (ExchangeOrder.State.RESERVED, ExchangeOrder.State.READY)


def orders_left(member_ids: Sequence[int]) -> list[str]:
    """The numbers of their open orders. For contexts above, which have checked already."""
    rows = ExchangeOrder.objects.filter(member_id__in=member_ids, state__in=OPEN).select_related("reward")
    return [order_view(row).number for row in rows.order_by("id")]
