"""The same seed and day make the same mall, and its loaded history earns what the same receipts earn at a till."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import translation

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import TILL_SCOPES, make_key
from zhike.kernel.access import system_viewer
from zhike.kernel.events import ensure_partitions
from zhike.loyalty.models import Award
from zhike.simulator.founding import World, found
from zhike.simulator.history import History, SimReceipt, Size, build_history
from zhike.simulator.loading import Loader, utc
from zhike.simulator.operations import content_hash, load_mall

TODAY = dt.date(2026, 6, 10)
NOW = dt.datetime(2026, 6, 10, 14, 40, tzinfo=dt.UTC)
MALL = Size(members=10, days=28, receipts_per_day=4)
ACTOR = system_viewer("tests")

Points = dict[tuple[int, str, str], tuple[int, int]]
"""Earned and taken back again, by merchant, till and number of the sale."""


@pytest.mark.feature("N9", "B51")
def test_same_seed_and_day_are_the_same_mall() -> None:
    once = content_hash(size="tiny", seed=7, today=TODAY)
    assert content_hash(size="tiny", seed=7, today=TODAY) == once
    assert content_hash(size="tiny", seed=8, today=TODAY) != once
    assert content_hash(size="tiny", seed=7, today=TODAY - dt.timedelta(days=1)) != once


@pytest.mark.slow  # founds 120 shops and sends what they sold one receipt at a time
@pytest.mark.feature("N9", "C005")
@pytest.mark.django_db
def test_loaded_history_earns_what_a_till_gets() -> None:
    """Loaded week by week, then posted one by one through the API: the same points of every sale, also after returns."""
    history = build_history(MALL, seed=11, today=TODAY)
    ensure_partitions(NOW)
    world = found(ACTOR, history.catalogue, NOW - dt.timedelta(days=1_200), NOW)
    with transaction.atomic():
        Loader(ACTOR, world, history, NOW, _silent).load()
        loaded = _points()
        transaction.set_rollback(True)
    assert _points() == {}
    Loader(ACTOR, world, history, NOW, _silent)._enroll(history.people)

    _post_all(history, world)

    posted = _points()
    assert posted == loaded
    assert len(posted) > 60
    assert sum(points for points, _ in posted.values()) > 1_000
    assert any(taken for _, taken in posted.values())


def _points() -> Points:
    return {
        (award.receipt.merchant_id, award.receipt.till, award.receipt.number): (
            award.points,
            award.clawed_points,
        )
        for award in Award.objects.select_related("receipt")
    }


def _post_all(history: History, world: World) -> None:
    """Every receipt of a member at its own moment, as a till would send it."""
    client = ApiClient(make_key(TILL_SCOPES))
    receipt_ids: dict[int, str] = {}
    for place, sale in enumerate(history.receipts):
        if sale.person is None or utc(sale.at) > NOW:
            continue
        with time_machine.travel(utc(sale.at), tick=False):
            if sale.original is None:
                body = _sale(history, world, sale) | {"member": {"phone": history.people[sale.person].phone}}
                answer = client.post("/api/v1/receipts", body)
            else:
                answer = client.post(f"/api/v1/receipts/{receipt_ids[sale.original]}/returns", _return(sale))
        assert answer.status in (200, 201), answer.body
        receipt_ids[place] = answer.json.get("receipt_id", "")


def _sale(history: History, world: World, sale: SimReceipt) -> dict[str, Any]:
    articles = history.catalogue.shops[sale.shop].articles
    lines = [
        {
            "sku": articles[line.article].sku,
            "quantity": line.quantity,
            "unit_price_fen": line.unit_price_fen,
            "discount_fen": line.discount_fen,
            "net_fen": line.net_fen,
            "category_code": articles[line.article].category,
        }
        for line in sale.lines
    ]
    tenders = [{"kind": kind, "amount_fen": fen} for kind, fen in sale.tenders]
    return _head(sale) | {"merchant_id": world.merchant_ids[sale.shop], "lines": lines, "tenders": tenders}


def _return(sale: SimReceipt) -> dict[str, Any]:
    lines = [
        {"line_no": no, "quantity": line.quantity, "refund_fen": line.net_fen}
        for no, line in zip(sale.original_lines, sale.lines, strict=True)
    ]
    return _head(sale) | {"lines": lines}


def _head(sale: SimReceipt) -> dict[str, Any]:
    return {"till": sale.till, "number": sale.number, "occurred_at": utc(sale.at).isoformat()}


def _silent(_stage: str, _done: int, _total: int) -> None:
    pass


@pytest.mark.feature("B51")
@pytest.mark.django_db
def test_mall_is_made_in_chinese_in_a_terminal_that_speaks_english() -> None:
    """What operations write in words (coupons made of a rule, say) is in the mall's language."""
    spoken: list[str | None] = []

    class Heard(Exception):
        pass

    def listen(_stage: str, _done: int, _total: int) -> None:
        spoken.append(translation.get_language())
        raise Heard

    with translation.override("en"), pytest.raises(Heard):
        load_mall(size="tiny", now=NOW, progress=listen)
    assert spoken == ["zh-hans"]
