"""A small world of articles with clear tastes: who buys beans buys filters, who buys dresses buys scarves."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count

from tests.people import NOW, Malls
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.sales import operations as sales

SYSTEM = system_viewer("tests")
DAY = dt.timedelta(days=1)
ARTICLES = {
    "BEANS": ("咖啡豆", "cafe"), "FILTER": ("滤纸", "cafe"), "CUP": ("随行杯", "cafe"), "CAKE": ("蛋糕", "cafe"),
    "DRESS": ("连衣裙", "fashion"), "SCARF": ("围巾", "fashion"), "RING": ("金戒指", "jeweller"),
}  # fmt: skip
_numbers = count(1)


def stock(malls: Malls) -> dict[str, int]:
    """The articles, by article number."""
    made = sales.load_products(
        actor=SYSTEM,
        products=[
            sales.NewProduct(getattr(malls, shop), sku, name, None, 30_00)
            for sku, (name, shop) in ARTICLES.items()
        ],
        now=NOW,
    )
    return {sku: pk for (_merchant, sku), pk in made.items()}


def buy(
    malls: Malls, ids: dict[str, int], person_id: int, ago: float, *skus: str, now: dt.datetime = NOW
) -> None:
    """One receipt at each shop, so many days ago."""
    at = now - ago * DAY
    by_shop: dict[str, list[str]] = {}
    for sku in skus:
        by_shop.setdefault(ARTICLES[sku][1], []).append(sku)
    for shop, some in by_shop.items():
        lines = tuple(
            sales.NewLine(place, sku, ARTICLES[sku][0], Decimal(1), 30_00, 30_00, product_id=ids[sku])
            for place, sku in enumerate(some, 1)
        )
        total = 30_00 * len(lines)
        receipt = sales.NewReceipt(
            merchant_id=getattr(malls, shop), mall_id=malls.star, kind="sale", till="01", number=f"S{next(_numbers):06d}",
            business_date=(at + dt.timedelta(hours=8)).date(), occurred_at=at, lines=lines,
            tenders=(sales.NewTender("cash", total),), person_id=person_id, cashier="李收银", source="api",
        )  # fmt: skip
        loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=now)
