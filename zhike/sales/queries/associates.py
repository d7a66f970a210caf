"""What members of each sales associate bought."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Case, Count, F, Q, Sum, When

from zhike.kernel.access import Viewer, require, visible
from zhike.sales.models import Receipt
from zhike.sales.queries.receipts import COLUMNS


@dataclass(frozen=True, slots=True)
class AssociateSales:
    """``net_fen`` is sales less returns, ``buyers`` members who bought, ``receipts`` sales."""

    net_fen: int
    receipts: int
    buyers: int


def sales_by_associate(
    viewer: Viewer, since: dt.datetime, until: dt.datetime, mall_id: int | None = None
) -> dict[int, AssociateSales]:
    """By the associate who looks after the member now, in the receipts of the viewer's scope. Raises NotAllowed."""
    require(viewer, "receipts.view")
    rows = visible(
        Receipt.objects.filter(
            occurred_at__gte=since, occurred_at__lt=until, person__associate__isnull=False
        ),
        viewer,
        "receipts.view",
        COLUMNS,
    )
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    signed = Case(When(kind="sale", then=F("net_fen")), default=-F("net_fen"))
    found = rows.values("person__associate_id").annotate(
        net=Sum(signed),
        receipts=Count("id", filter=Q(kind="sale")),
        buyers=Count("person_id", filter=Q(kind="sale"), distinct=True),
    )
    return {
        row["person__associate_id"]: AssociateSales(row["net"] or 0, row["receipts"], row["buyers"])
        for row in found.order_by()
    }
