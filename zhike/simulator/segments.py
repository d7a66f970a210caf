"""Segments that a mall's marketing keeps."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from random import Random
from typing import Any

from zhike.insight import operations as insight
from zhike.insight import queries
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.sales import queries as sales


def _leaf(field: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


FOUR = {"valuable": "高价值", "potential": "潜力", "usual": "一般", "lost": "流失"}


def seed_segments(actor: Viewer, group_id: int, mall_id: int, now: dt.datetime) -> None:
    """What is there already is left alone."""
    insight.make_class_presets(actor=actor, group_id=group_id, names=FOUR, now=now)
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


SEEN_BY, SEEN_DAYS, OPENED_SHARE = 40, 12, 0.25


def seed_baskets(actor: Viewer, group_id: int, mall_id: int, now: dt.datetime) -> None:
    """What is bought together between merchants, with a coupon made of the best rule; the larger searches are for a worker. Once."""
    if queries.basket_runs(actor):
        return
    plans = {
        "merchant": insight.BasketPlan("merchant", "visit", 365, 300, 300, mall_id=mall_id),
        "category": insight.BasketPlan("category", "visit", 365, 500, 300, mall_id=mall_id),
        "product": insight.BasketPlan("product", "receipt", 365, 500, 300, mall_id=mall_id),
    }
    runs = {
        level: insight.order_basket_search(actor=actor, group_id=group_id, plan=plan, now=now)
        for level, plan in plans.items()
    }
    insight.search_baskets(actor=actor, run_id=runs["merchant"], now=now)
    best = queries.basket_rules(actor, runs["merchant"], queries.RuleFilter(lift_min=110), limit=1)
    for rule in best:
        insight.make_basket_offer(actor=actor, rule_id=rule.id, now=now)


def seed_recommended(actor: Viewer, mall_id: int, now: dt.datetime, seed: int) -> None:
    """Some members looked at what was recommended to them in the last days, and opened some of it. Once."""
    if queries.recommend_usage(actor, now):
        return
    rng = Random(f"recommended/{seed}")
    members = list(islice(loyalty.each_member_id(actor, mall_id=mall_id), SEEN_BY))
    bought = sales.baskets("product", "receipt", now - dt.timedelta(days=3), now, mall_id, 2).of_item
    items = sorted(bought, key=lambda item: (-len(bought[item]), item))[:60]
    for member_id in members if len(items) >= 3 else ():
        at = now - dt.timedelta(days=rng.uniform(0, SEEN_DAYS))
        place, shown = rng.choice(("member_home", "member_home", "member_page")), rng.sample(items, 3)
        said: dict[str, Any] = {"actor": actor, "member_id": member_id, "place": place, "kind": "product"}
        insight.record_shown(items=shown, now=at, **said)
        if rng.random() < OPENED_SHARE:
            later = at + dt.timedelta(seconds=rng.randint(4, 90))
            insight.record_choice(item=rng.choice(shown), source="together", now=min(later, now), **said)


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
