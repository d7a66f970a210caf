"""Segments that a mall's marketing keeps."""

from __future__ import annotations

import datetime as dt
from typing import Any

from zhike.insight import operations as insight
from zhike.insight import queries
from zhike.kernel.access import Viewer
from zhike.organization import queries as organization


def _leaf(field: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


def seed_segments(actor: Viewer, group_id: int, mall_id: int, now: dt.datetime) -> None:
    """What is there already is left alone."""
    known = {one.code: one.id for one in queries.segments(actor)}
    trades = {one.code: one.id for one in organization.trade_categories(group_id)}
    for code, name, note, match, conditions in _definitions(trades):
        if code in known:
            continue
        definition = {"match": match, "of": conditions}
        if code == "coffee-birthday":
            conditions[1]["value"] = [known["coffee"]]
        known[code] = insight.save_segment(
            actor=actor, group_id=group_id, mall_id=mall_id, code=code, name=name, note=note,
            definition=definition, now=now,
        )  # fmt: skip
        if code == "vip-leaving":
            insight.freeze_segment(actor=actor, segment_id=known[code], label="召回活动前", now=now)


def order_baskets(actor: Viewer, group_id: int, mall_id: int, now: dt.datetime) -> None:
    """Searches for what is bought together, for a worker; once."""
    if queries.basket_runs(actor):
        return
    for level, unit, support in (
        ("merchant", "visit", 300),
        ("category", "visit", 500),
        ("product", "receipt", 100),
    ):
        plan = insight.BasketPlan(
            level=level, unit=unit, days=365, support_ppm=support, confidence_bp=300, mall_id=mall_id
        )
        insight.order_basket_search(actor=actor, group_id=group_id, plan=plan, now=now)


def _definitions(trades: dict[str, int]) -> list[tuple[str, str, str, str, list[dict[str, Any]]]]:
    month, quarter = {"window": {"days": 30}}, {"window": {"days": 90}}
    coffee = {"where": {"trade_categories": [trades["tea_coffee"]]}}
    kids = {"where": {"trade_categories": [trades["kids"]]}}
    viewed = {"where": {"names": ["product_viewed"]}, "window": {"days": 14}}
    return [
        ("coffee", "咖啡茶饮常客", "下午茶套餐、第二杯半价", "all", [_leaf("purchases", "at_least", 3, **quarter, **coffee)]),
        (
            "family", "亲子家庭", "周末亲子活动邀约", "all",
            [_leaf("age", "between", [26, 48]), _leaf("spend", "at_least", 30_000, window={"days": 180}, **kids)],
        ),
        (
            "vip-leaving", "高消费但近 60 天未到店", "专属客服回访、召回礼券", "all",
            [_leaf("spend", "at_least", 500_000, window={"days": 365}), _leaf("last_purchase", "longer_ago", 60)],
        ),
        (
            "newcomers", "本月新会员还没有消费", "首单礼", "all",
            [_leaf("enrolled", "within", 30), _leaf("purchases", "at_most", 0)],
        ),
        ("points-lapsing", "积分即将过期", "积分兑换提醒", "all", [_leaf("expiring_points", "at_least", 500, **quarter)]),
        (
            "looked-only", "最近浏览但没有购买", "浏览未购买提醒", "all",
            [_leaf("behaviour", "at_least", 2, **viewed), {"match": "none", "of": [_leaf("purchases", "at_least", 1, **month)]}],
        ),
        (
            "coffee-birthday", "本月生日的咖啡常客", "生日免费一杯", "all",
            [_leaf("birthday_month", "is", ["this"]), _leaf("segment", "is", [0])],
        ),
    ]  # fmt: skip
