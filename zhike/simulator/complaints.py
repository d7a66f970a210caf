"""What members complain, ask and praise, and how soon the desk answers. Pure and repeatable; the causes are known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from zhike.simulator.history import History

SALES_PER_TICKET = 300
TICKETS_MIN, TICKETS_MAX = 10, 90
WITHIN = dt.timedelta(days=63)
"""Tickets are about sales since then: the desk opened nine weeks ago."""
FRESH = 9
"""Tickets of the last hours, so that the desk has work when somebody looks."""
TROUBLED_SHARE = 0.4
"""Of the tickets, so many are about the three merchants where things go wrong."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Tickets of one cause; `weight` is how often they come."""

    cause: str
    type: str
    weight: int
    texts: tuple[str, ...]
    answer: str
    solution: str
    severity: str = "normal"
    trades: tuple[str, ...] = ()
    """Parents of the trade categories it can be about; none means any."""


GOODS = ("fashion", "beauty_all", "family", "digital_all", "daily")
THEMES = (
    Theme("goods-quality", "complaint", 16, (
        "在{shop}买的{article}用了两天就坏了，要求换货。",
        "{article}有明显瑕疵，{shop}店员说不是质量问题，我不接受。",
    ), "非常抱歉给您带来不便，我们已请商户核实，稍后回复您。", "商户确认为质量问题，已为您换新。", trades=GOODS),
    Theme("goods-food", "complaint", 6, (
        "{shop}的{article}里吃出异物，麻烦马上处理。",
        "在{shop}吃完{article}后肠胃不适，要求给个说法。",
    ), "我们高度重视，已通知食品安全负责人到店核查。", "商户已致歉并退款，相关批次已下架送检。", "major", ("food",)),
    Theme("price-label", "complaint", 8, (
        "{shop}的{article}价签和收银价不一样，多收了钱。",
        "货架上写的活动价，{shop}结账时却按原价。",
    ), "感谢反馈，我们正在核对价签与小票。", "差额已退回原支付账户，价签已更正。"),
    Theme("staff-attitude", "complaint", 12, (
        "{shop}的店员态度很差，问了三遍都不理人。",
        "在{shop}试了几件没买，店员当面说风凉话。",
    ), "抱歉让您有不好的体验，我们会请店长了解情况。", "店长已向您致歉，并安排店员重新培训。"),
    Theme("staff-slow", "complaint", 7, ("{shop}排队四十分钟才结账，只开了一个收银台。",),
          "抱歉让您久等，已提醒商户增加收银人手。", "商户已在高峰时段加开收银台。"),
    Theme("points-missing", "question", 14, (
        "在{shop}消费后积分一直没有到账，请帮忙查一下。",
        "昨天在{shop}买的{article}怎么没有积分？",
    ), "您好，正在为您核对小票与积分记录。", "积分已核对补登，请在会员端查看。"),
    Theme("points-coupon", "question", 6, ("优惠券在{shop}用不了，店员说系统不支持。",),
          "您好，请提供券的名称，我们查询适用范围。", "该券不适用于该商户，已为您换发通用券。"),
    Theme("place-parking", "complaint", 9, (
        "停车场出口扫码抬杆要等很久，后面全在按喇叭。",
        "积分抵扣停车费没成功，还是扣了全款。",
    ), "已通知停车场管理人员处理。", "设备已检修，多收的停车费已退还。"),
    Theme("place-clean", "complaint", 5, ("三楼洗手间地面全是水，差点滑倒。", "母婴室很久没人打扫了。"),
          "感谢提醒，保洁已前往处理。", "已清洁完毕，并增加巡检频次。"),
    Theme("place-lift", "complaint", 3, ("扶梯突然停了，老人差点摔倒。",),
          "工程部已到场，请问老人是否受伤？", "扶梯已检修恢复，并安排回访慰问。", "high"),
    Theme("after-sale-refund", "return", 12, (
        "想退在{shop}买的{article}，吊牌还在，店里让我找商场。",
        "{shop}的{article}尺码不合适，想换大一号。",
    ), "您好，请保留小票与吊牌，我们联系商户为您办理。", "商户已同意退换，请携带商品到店办理。", trades=GOODS),
    Theme("after-sale-repair", "repair", 5, ("在{shop}买的{article}需要保修，请问怎么送修？",),
          "请将商品送至一楼服务台，我们代为登记送修。", "商品已修好，请凭取件单到服务台领取。", trades=("fashion", "digital_all")),
    Theme("", "suggestion", 4, ("希望周末能延长营业时间。", "建议在中庭多放一些座椅。"),
          "感谢您的建议，已转达营运部。", "建议已收录，营运部正在评估。"),
    Theme("", "praise", 3, ("{shop}的店员特别耐心，帮老人挑了很久，表扬一下！",),
          "谢谢您的表扬，我们会转告商户。", "已转告商户，感谢您的支持。"),
)  # fmt: skip
CHANNELS = ("app", "counter", "phone")
COMMENTS = {
    1: ("等了太久，问题也没解决。", "不满意，推来推去。"),
    2: ("处理得太慢了。", "态度一般。"),
    3: ("还行吧。", ""),
    4: ("处理得比较及时。", ""),
    5: ("非常满意，谢谢！", "处理很快，点赞。", ""),
}


@dataclass(frozen=True, slots=True)
class SimTicket:
    """Minutes are counted from the opening; `again` is what the member says when it was not settled."""

    at: dt.datetime
    person: int
    sale: int
    theme: Theme
    text: str
    channel: str
    answered_after: int
    solved_after: int
    closed_after: int
    waits: bool
    again: bool
    score: int | None
    comment: str


def plan_tickets(history: History, seed: int, now: dt.datetime) -> list[SimTicket]:
    """Tickets that follow sales of the history, in order of time. `now` is local and naive, like the history's times."""
    rng = Random(f"complaints/{seed}")
    sales = [
        place
        for place, sale in enumerate(history.receipts)
        if sale.person is not None and sale.original is None and now - WITHIN <= sale.at <= now
    ]
    if not sales:
        return []
    count = min(TICKETS_MAX, max(TICKETS_MIN, len(sales) // SALES_PER_TICKET), len(sales))
    shops = sorted({history.receipts[place].shop for place in sales})
    troubled = set(rng.sample(shops, min(3, len(shops))))
    bad = [place for place in sales if history.receipts[place].shop in troubled] or sales
    planned = []
    for _ in range(count):
        place = rng.choice(bad if rng.random() < TROUBLED_SHARE else sales)
        sale = history.receipts[place]
        planned.append(_ticket(rng, history, place, sale.at + dt.timedelta(minutes=rng.randint(10, 2_000))))
    latest = sales[-min(len(sales), 60) :]
    for number in range(min(FRESH, len(latest))):
        at = now - dt.timedelta(minutes=4 + number * 17 + rng.randint(0, 9))
        planned.append(_ticket(rng, history, rng.choice(latest), at))
    return sorted((ticket for ticket in planned if ticket.at <= now), key=lambda ticket: ticket.at)


def _ticket(rng: Random, history: History, place: int, at: dt.datetime) -> SimTicket:
    sale = history.receipts[place]
    shop = history.catalogue.shops[sale.shop]
    themes = [theme for theme in THEMES if not theme.trades or shop.trade.parent in theme.trades]
    theme = rng.choices(themes, weights=[theme.weight for theme in themes])[0]
    article = shop.articles[sale.lines[0].article].name
    text = rng.choice(theme.texts).format(shop=shop.name, article=article)
    is_slow = rng.random() < 0.16
    answered = rng.randint(35, 140) if is_slow else rng.randint(2, 26)
    solved = answered + (rng.randint(130, 1_500) if rng.random() < 0.14 else rng.randint(10, 85))
    again = rng.random() < 0.08
    return SimTicket(
        at=at,
        person=sale.person or 0,
        sale=place,
        theme=theme,
        text=text,
        channel=rng.choices(CHANNELS, weights=(6, 3, 3))[0],
        answered_after=answered,
        solved_after=solved,
        closed_after=solved + rng.randint(20, 1_400),
        waits=rng.random() < 0.12,
        again=again,
        score=_score(rng, is_slow=is_slow, again=again),
        comment="",
    )


def _score(rng: Random, *, is_slow: bool, again: bool) -> int | None:
    if rng.random() < 0.45:
        return None
    weights: Sequence[int] = (5, 4, 4, 2, 1) if is_slow or again else (1, 1, 2, 6, 10)
    return rng.choices((1, 2, 3, 4, 5), weights=weights)[0]
