"""Ready-made journeys of the usual occasions: trigger, graph, goal, wordings. Pure data; all of it can be edited.

The wordings are Chinese because members of Chinese malls read them. A template's message is written once as a wording of its own
("journey_<code>_<n>") and named by its number here. ``{batch}`` and ``{segment}`` are filled with the house's own where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zhike.marketing.rules.journeys.graph import PURCHASE, Definition, Node, Watch

SALE = Watch(PURCHASE, (("kind", "equals", "sale"),))
_BOUGHT = {"event": PURCHASE, "where": [["kind", "equals", "sale"]]}
_STOP = "拒收请回复R"


@dataclass(frozen=True, slots=True)
class Wording:
    """``title`` and ``body`` in the inbox, ``sms`` as a text message; ``kind`` "service" is owed, not offered."""

    title: str
    body: str
    sms: str = ""
    kind: str = "marketing"


@dataclass(frozen=True, slots=True)
class Ready:
    """A ready-made journey. ``segment`` is the kind of audience whose own segment is taken where the house has one."""

    code: str
    name: str
    theme: str
    icon: str
    definition: Definition
    wordings: tuple[Wording, ...]
    segment: str = ""

    def template_of(self, number: int) -> str:
        """The code of one of its wordings."""
        return f"journey_{self.code}_{number}"


def _node(key: str, kind: str, params: Mapping[str, Any] | None = None, **outs: str) -> Node:
    return Node(key, kind, params or {}, outs)


def _graph(*nodes: Node) -> dict[str, Node]:
    return {node.key: node for node in nodes}


def _days(value: int, at: str = "10:00") -> dict[str, Any]:
    return {"value": value, "unit": "days", "at": at}


def _points_at_least(points: int) -> dict[str, Any]:
    return {"match": "all", "of": [{"field": "points", "op": "at_least", "value": points}]}


def _bought_within(days: int) -> dict[str, Any]:
    return {
        "match": "all",
        "of": [{"field": "purchases", "op": "at_least", "value": 1, "window": {"days": days}}],
    }


WELCOME = Definition(
    trigger={"kind": "event", "event": "zhike.loyalty.member_enrolled", "where": []},
    first="n1",
    nodes=_graph(
        _node("n1", "message", {"template": 1}, sent="n2", refused="n2"),
        _node("n2", "wait", {**_BOUGHT, "value": 3, "unit": "days"}, happened="n3", timeout="n4"),
        _node("n3", "goal"),
        _node("n4", "points", {"points": 100}, given="n5", refused="n6"),
        _node("n5", "message", {"template": 2}, sent="n7", refused="n6"),
        _node("n7", "wait", {**_BOUGHT, "value": 14, "unit": "days"}, happened="n3", timeout="n6"),
        _node("n6", "exit"),
    ),
    goal=SALE,
    goal_ends=False,
    window_days=30,
)
BIRTHDAY = Definition(
    trigger={"kind": "birthday", "days": 7, "at": "10:00"},
    first="n1",
    nodes=_graph(
        _node("n1", "message", {"template": 1}, sent="n2", refused="n6"),
        _node("n2", "points", {"points": 200}, given="n3", refused="n6"),
        _node("n3", "delay", _days(7, "09:30"), next="n4"),
        _node("n4", "branch", {"condition": _bought_within(7)}, yes="n6", no="n5"),
        _node("n5", "message", {"template": 2}, sent="n6", refused="n6"),
        _node("n6", "exit"),
    ),
    goal=SALE,
    goal_ends=False,
    reentry="after",
    reentry_days=300,
    window_days=21,
)
WAKE_UP = Definition(
    trigger={
        "kind": "event", "event": "zhike.insight.lifecycle_changed", "where": [["after", "equals", "dormant"]],
    },
    first="n1",
    nodes=_graph(
        _node("n1", "delay", _days(1), next="n2"),
        _node("n2", "ab", {"ways": [{"key": "A", "weight": 50}, {"key": "B", "weight": 50}]}, A="n3", B="n4"),
        _node("n3", "message", {"template": 1}, sent="n5", refused="n8"),
        _node("n4", "message", {"template": 2}, sent="n5", refused="n8"),
        _node("n5", "wait", {**_BOUGHT, "value": 10, "unit": "days"}, happened="n6", timeout="n7"),
        _node("n6", "goal"),
        _node("n7", "message", {"template": 3}, sent="n8", refused="n8"),
        _node("n8", "exit"),
    ),
    goal=SALE,
    leave=Watch("zhike.messaging.contact_refused"),
    reentry="after",
    reentry_days=90,
    holdout_bp=2_000,
    window_days=30,
)  # fmt: skip
EXPIRING = Definition(
    trigger={"kind": "expiring", "days": 30, "minimum": 100, "at": "11:00"},
    first="n1",
    nodes=_graph(
        _node("n1", "message", {"template": 1}, sent="n2", refused="n2"),
        _node("n2", "wait", {"event": "zhike.loyalty.points_redeemed", "where": [], "value": 20, "unit": "days"}, happened="n3",
              timeout="n4"),
        _node("n3", "goal"),
        _node("n4", "branch", {"condition": _points_at_least(100)}, yes="n5", no="n6"),
        _node("n5", "message", {"template": 2}, sent="n6", refused="n6"),
        _node("n6", "exit"),
    ),
    goal=Watch("zhike.loyalty.points_redeemed"),
    reentry="always",
    window_days=30,
)  # fmt: skip
FIRST_ORDER = Definition(
    trigger={"kind": "event", "event": "zhike.loyalty.member_enrolled", "where": []},
    first="n1",
    nodes=_graph(
        _node("n1", "wait", {**_BOUGHT, "value": 7, "unit": "days"}, happened="n2", timeout="n4"),
        _node("n2", "points", {"points": 300}, given="n3", refused="n6"),
        _node("n3", "message", {"template": 1}, sent="n6", refused="n6"),
        _node("n4", "message", {"template": 2}, sent="n5", refused="n6"),
        _node("n5", "wait", {**_BOUGHT, "value": 14, "unit": "days"}, happened="n2", timeout="n6"),
        _node("n6", "exit"),
    ),
    goal=SALE,
    goal_ends=False,
    window_days=30,
)
REPEAT = Definition(
    trigger={"kind": "event", "event": PURCHASE, "where": [["kind", "equals", "sale"]]},
    first="n1",
    nodes=_graph(
        _node("n1", "wait", {**_BOUGHT, "value": 30, "unit": "days"}, happened="n2", timeout="n3"),
        _node("n2", "goal"),
        _node("n3", "delay", {"value": 0, "unit": "days", "at": "17:00"}, next="n4"),
        _node("n4", "message", {"template": 1}, sent="n5", refused="n6"),
        _node("n5", "wait", {**_BOUGHT, "value": 14, "unit": "days"}, happened="n2", timeout="n6"),
        _node("n6", "exit"),
    ),
    goal=SALE,
    goal_ends=False,
    reentry="after",
    reentry_days=60,
    window_days=60,
)
BROWSED = Definition(
    trigger={
        "kind": "event", "event": "zhike.collection.behaviour_observed", "where": [["name", "equals", "product_viewed"]],
    },
    first="n1",
    nodes=_graph(
        _node("n1", "wait", {**_BOUGHT, "value": 24, "unit": "hours"}, happened="n2", timeout="n3"),
        _node("n2", "goal"),
        _node("n3", "delay", {"value": 0, "unit": "days", "at": "12:00"}, next="n4"),
        _node("n4", "message", {"template": 1}, sent="n5", refused="n6"),
        _node("n5", "wait", {**_BOUGHT, "value": 5, "unit": "days"}, happened="n2", timeout="n6"),
        _node("n6", "exit"),
    ),
    goal=SALE,
    goal_ends=False,
    reentry="after",
    reentry_days=14,
    window_days=7,
)  # fmt: skip

READY: tuple[Ready, ...] = (
    Ready(
        "welcome", "欢迎新会员", "入会即欢迎，三天没来就送积分请来。", "user-plus", WELCOME,
        (
            Wording("欢迎加入", "${name}您好，欢迎成为会员！到店消费自动积分，停车、兑礼都能用。",
                    "${name}您好，欢迎成为会员，到店消费自动积分，可停车、兑礼。" + _STOP),
            Wording("100 积分已到账", "${name}您好，送您 100 积分，首次到店即可使用，期待您的光临。",
                    "${name}您好，100积分已到账，首次到店即可使用。" + _STOP),
        ),
    ),
    Ready(
        "birthday", "生日关怀", "生日前一周送礼，当天还没来再祝福一次。", "cake", BIRTHDAY,
        (
            Wording("生日礼提前送到", "${name}您好，您的生日快到了，200 积分生日礼已为您备好。",
                    "${name}您好，生日快到了，200积分生日礼已备好。" + _STOP),
            Wording("生日快乐", "${name}，祝您生日快乐！今天到店，生日积分即可使用。",
                    "${name}，祝您生日快乐，今天到店可用生日积分。" + _STOP),
        ),
    ),
    Ready(
        "wake_up", "沉睡唤醒", "一变沉睡就试两种说法，来了就停。", "alarm-clock", WAKE_UP,
        (
            Wording("好久不见", "${name}您好，好久不见，商场来了不少新店，欢迎回来逛逛。",
                    "${name}您好，好久不见，商场来了不少新店，欢迎回来逛逛。" + _STOP),
            Wording("为您留了一份礼", "${name}您好，好久不见，为您留了一份回店礼，到店即可领取。",
                    "${name}您好，为您留了一份回店礼，到店即可领取。" + _STOP),
            Wording("回店礼即将到期", "${name}您好，为您保留的回店礼快到期了，期待您再来。",
                    "${name}您好，为您保留的回店礼快到期了，期待您再来。" + _STOP),
        ),
    ),
    Ready(
        "expiring", "积分到期提醒使用", "积分到期前一个月提醒，十天前还没用再提醒一次。", "hourglass", EXPIRING,
        (
            Wording("积分快到期了", "${name}您好，您有积分将在一个月后到期，可兑换礼品或停车。", kind="service"),
            Wording("积分十天后到期", "${name}您好，您的积分十天后到期，别忘了使用。", kind="service"),
        ),
    ),
    Ready(
        "first_order", "首单礼", "新会员七天内首单送积分，没来就提醒。", "badge-check", FIRST_ORDER,
        (
            Wording("首单礼到账", "${name}您好，感谢您的首次消费，300 积分首单礼已到账。"),
            Wording("首单礼等您来", "${name}您好，首次消费即送 300 积分，期待您的光临。",
                    "${name}您好，首次消费即送300积分，期待光临。" + _STOP),
        ),
    ),
    Ready(
        "repeat", "复购提醒", "购后三十天没再来，傍晚提醒一声。", "repeat", REPEAT,
        (
            Wording("又到补货的时候", "${name}您好，距上次光临已有一个月，您常买的品牌有新优惠。",
                    "${name}您好，您常买的品牌有新优惠，欢迎再来。" + _STOP),
        ),
    ),
    Ready(
        "browsed", "浏览未购买", "看了商品，一天内没买，第二天中午提醒。", "eye", BROWSED,
        (
            Wording("您看过的商品还在", "${name}您好，您看过的商品还有货，到店试试看？",
                    "${name}您好，您看过的商品还有货，欢迎到店试试。" + _STOP),
        ),
    ),
)  # fmt: skip
BY_CODE: Mapping[str, Ready] = {one.code: one for one in READY}
