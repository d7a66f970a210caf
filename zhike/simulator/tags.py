"""Tags that a mall's marketing keeps: rules that the made mall's own events decide, words of the desk, a queue to decide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from zhike.insight import operations as insight
from zhike.insight import queries
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization

MANUAL = (
    ("prefers-simple", "偏好简约", "Likes it plain", "taste", "导购到店观察：选款偏简约、素色"),
    ("sits-with-kids", "带娃到店", "Comes with children", "life", "到店时带着孩子，可推荐儿童区活动"),
    ("tries-not-buys", "到店试穿未买", "Tried on, did not buy", "visit", "试穿后没有成交，可跟进到货与尺码"),
    ("quiet-service", "不喜推销", "Wants no selling", "service", "接待时少推销，先让顾客自己看"),
)
WORDS = (("喜欢靠窗座位", 4), ("常推婴儿车", 1), ("常给父母买鞋", 3), ("等新款羽绒服", 5), ("周五晚上来", 2))


def seed_tags(actor: Viewer, group_id: int, now: dt.datetime) -> None:
    """What is there already is left alone. Rules are published: the reader of the log judges everybody by them."""
    known = {ref.code for ref in queries.tags(actor)}
    if known:
        return
    owner = next((one.id for one in organization.staff_list(actor) if one.username == "marketer"), None)
    trades = {one.code: one.id for one in organization.trade_categories(group_id)}
    for code, name, english, category, note, match, conditions, ttl in _rules(trades):
        tag_id = insight.save_tag(
            actor=actor, group_id=group_id, code=code, name=name, name_en=english, category=category, note=note,
            rule={"match": match, "of": conditions}, ttl_days=ttl, owner_id=owner, now=now,
        )  # fmt: skip
        insight.publish_tag(actor=actor, tag_id=tag_id, note="首次发布", now=now)
    given = [
        insight.save_tag(
            actor=actor, group_id=group_id, code=code, name=name, name_en=english, category=category, note=note,
            kind="manual", owner_id=owner, now=now,
        )
        for code, name, english, category, note in MANUAL
    ]  # fmt: skip
    _by_hand(actor, given, now)


def _by_hand(actor: Viewer, tags: Sequence[int], now: dt.datetime) -> None:
    """Some members carry words of the desk; others were written of in free words that wait."""
    rows = loyalty.members_page(actor, limit=40).items
    found = loyalty.person_ids_of([row.member_id for row in rows])
    persons = [found[row.member_id] for row in rows]
    for number, person_id in enumerate(persons[:16]):
        at = now - dt.timedelta(hours=3 * number + 1)
        insight.mark_tag(
            actor=actor, person_id=person_id, tag_id=tags[number % len(tags)], is_on=True, now=at
        )
    place = 16
    for text, count in WORDS:
        for person_id in persons[place : place + count]:
            insight.suggest_tag(
                actor=actor, person_id=person_id, text=text, now=now - dt.timedelta(hours=place)
            )
        place += count


def _figure(event: str, op: str, value: Any, days: int, **more: Any) -> dict[str, Any]:
    return {
        "ask": "figure",
        "event": event,
        "measure": "count",
        "within": {"days": days},
        "op": op,
        "value": value,
        **more,
    }


def _at(key: str, *values: Any) -> dict[str, Any]:
    return {"where": [{"key": key, "op": "one_of", "value": [str(one) for one in values]}]}


def _rules(
    trades: dict[str, int],
) -> list[tuple[str, str, str, str, str, str, list[dict[str, Any]], int | None]]:
    never = {"match": "none", "of": [_figure("points_redeemed", "at_least", 1, 120)]}
    return [
        (
            "deal-seeker", "促销敏感", "Seeks deals", "taste", "多用券消费，适合满减与限时券", "all",
            [{"ask": "share", "event": "coupon_used", "to": "purchase", "measure": "count", "within": {"days": 90},
              "op": "at_least", "value": 30, "least": 2}], None,
        ),
        (
            "tries-new", "新店尝鲜", "Tries new shops", "taste", "近期逛过多家店，适合新店开业邀约", "all",
            [_figure("purchase", "at_least", 4, 30, measure="distinct", of="merchant_id")], None,
        ),
        (
            "looked-only", "浏览未购买", "Looked, did not buy", "visit", "看过商品但没有下单，适合轻提醒", "all",
            [{"ask": "unfollowed", "event": "behaviour.product_viewed", "by": "purchase", "wait": {"days": 3},
              "within": {"days": 14}, "value": 2}], None,
        ),
        (
            "cart-left", "加购未结", "Left a cart", "visit", "放进购物车后 6 小时没有下单", "all",
            [{"ask": "unfollowed", "event": "behaviour.product_added", "by": "behaviour.order_completed",
              "wait": {"hours": 6}, "within": {"days": 7}, "value": 1}], None,
        ),
        (
            "family", "亲子家庭", "Family with children", "life", "在儿童业态有消费，适合周末亲子活动", "all",
            [_figure("purchase", "at_least", 2, 180, **_at("trades", trades["kids"]))], 120,
        ),
        (
            "weekender", "周末常客", "Comes at weekends", "visit", "周末到店多，适合周末活动", "all",
            [_figure("purchase", "at_least", 3, 60, **_at("weekday", 6, 7), measure="distinct", of="day")], None,
        ),
        (
            "big-basket", "高客单", "Large baskets", "value", "平均每单 800 元以上", "all",
            [_figure("purchase", "at_least", 80_000, 180, measure="average", of="net_fen"), _figure("purchase", "at_least", 2, 180)],
            None,
        ),
        (
            "complained", "近期投诉", "Complained lately", "service", "30 天内有投诉，营销前先看进展", "all",
            [_figure("case_opened", "at_least", 1, 30, **_at("kind", "complaint"))], 30,
        ),
        (
            "points-idle", "积分闲置", "Leaves points lying", "value", "常得积分却 120 天没有兑换，适合兑换提醒", "all",
            [_figure("points_earned", "at_least", 3_000, 120, measure="sum", of="points"), never], None,
        ),
    ]  # fmt: skip
