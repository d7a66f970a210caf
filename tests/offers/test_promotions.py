"""Promotions in versions, and the price of a basket under those in force."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from zhike.kernel.errors import NotAllowed
from zhike.offers import operations as offers
from zhike.offers import queries
from zhike.offers.models import PromotionVersion

pytestmark = pytest.mark.feature("C110")
REACH: dict[str, Any] = {"kind": "reach", "steps": [[10_000, 2000]]}


def publish(town: Town, code: str = "P1", definition: dict[str, Any] | None = None, **changes: Any) -> int:
    values: dict[str, Any] = {
        "actor": SYSTEM, "group_id": town.group_id, "mall_id": town.mall_id, "code": code, "name": f"促销 {code}",
        "definition": definition or REACH, "effective_from": NOW, "now": NOW,
    }  # fmt: skip
    return offers.publish_promotion(**values | changes)


def price(
    town: Town, *amounts: int, at: dt.datetime = NOW, merchant_id: int | None = None, **more: Any
) -> queries.PriceView:
    lines = [queries.PricedLine(no, 1, fen) for no, fen in enumerate(amounts, start=1)]
    return queries.price_quote(SYSTEM, merchant_id or town.shop, lines, at, **more)


def test_to_the_fen_by_line_with_its_sentence(town: Town) -> None:
    publish(town)
    found = price(town, 3333, 6668)
    assert (found.gross_fen, found.discount_fen, found.net_fen, found.is_exact) == (10_001, 2000, 8001, True)
    assert [line.discount_fen for line in found.lines] == [667, 1333]
    assert found.applied[0].sentence == "满 ¥100 减 ¥20"
    assert price(town, 9000).near[0].sentence == "再买 ¥10.00 可享：满 ¥100 减 ¥20"


def test_a_version_holds_from_its_day_and_only_then(town: Town) -> None:
    tomorrow, later = NOW + dt.timedelta(days=1), NOW + dt.timedelta(days=2)
    promotion_id = publish(town)
    publish(town, definition=REACH | {"steps": [[10_000, 5000]]}, effective_from=tomorrow, effective_to=later)
    assert [price(town, 10_000, at=at).discount_fen for at in (NOW, tomorrow, later)] == [2000, 5000, 0]
    assert price(town, 10_000, at=NOW - dt.timedelta(seconds=1)).discount_fen == 0
    view = queries.promotion(SYSTEM, promotion_id, NOW)
    assert (view.state, view.shown.version, len(view.versions)) == ("running", 1, 2)
    offers.end_promotion(actor=SYSTEM, promotion_id=promotion_id, now=NOW)
    offers.end_promotion(actor=SYSTEM, promotion_id=promotion_id, now=NOW)
    assert price(town, 10_000).discount_fen == 0
    assert queries.promotion(SYSTEM, promotion_id, NOW).state == "ended"


def test_each_mall_and_shop_its_own(town: Town) -> None:
    publish(town)
    publish(
        town, "P2", {"kind": "percent", "percent_bp": 5000, "scope": {"merchants": {"only": [town.cafe]}}}
    )
    assert price(town, 10_000).discount_fen == 2000
    assert price(town, 10_000, merchant_id=town.cafe).discount_fen == 2000 + 4000
    assert price(town, 10_000, merchant_id=town.far_shop).discount_fen == 0


def test_a_draft_is_tried_in_the_place_of_its_promotion(town: Town) -> None:
    promotion_id = publish(town)
    rule = queries.parse_promotion(REACH | {"steps": [[10_000, 3000]]})
    assert price(town, 10_000, draft=queries.Draft("新", rule, promotion_id)).discount_fen == 3000
    assert price(town, 20_000, draft=queries.Draft("新", rule)).discount_fen == 5000
    assert price(town, 10_000).discount_fen == 2000
    assert PromotionVersion.objects.count() == 1


def test_what_cannot_be_published(town: Town) -> None:
    for changes, problem in (
        ({"definition": {"kind": "reach"}}, offers.PromotionUnusable),
        ({"effective_from": NOW - dt.timedelta(days=1)}, offers.PromotionInThePast),
        ({"effective_to": NOW}, offers.PromotionInThePast),
    ):
        with pytest.raises(problem):
            publish(town, **changes)
    assert not PromotionVersion.objects.exists()


def test_who_may(town: Town) -> None:
    here = {"level": "mall", "ids": [town.mall_id]}
    there = {"level": "mall", "ids": [town.other_mall_id]}
    promotion_id = publish(town, actor=staff("offers.edit", **here))
    for stranger in (staff("offers.view", **here), staff("offers.edit", "offers.view", **there)):
        with pytest.raises(NotAllowed):
            publish(town, "P2", actor=stranger)
        with pytest.raises(NotAllowed):
            offers.end_promotion(actor=stranger, promotion_id=promotion_id, now=NOW)
    assert queries.promotions(staff("offers.view", **there), NOW) == []
    with pytest.raises(offers.CodeTaken):
        publish(town, mall_id=town.other_mall_id, actor=staff("offers.edit", **there))
    with pytest.raises(NotAllowed):
        queries.price_quote(staff("points.view"), town.shop, [], NOW)
