"""What members hear in their inbox: that they were outbid, while they can answer; that they won; that a gift has to come back."""

from __future__ import annotations

import datetime as dt

from zhike.kernel.access import system_viewer
from zhike.messaging import operations as messaging

TELLER = system_viewer("rewards")
OUTBID, WON, GIFT_BACK = "auction_outbid", "auction_won", "gift_asked_back"
NAMES = {OUTBID: "竞拍被超过", WON: "竞拍拍得", GIFT_BACK: "赠品需退回"}
WORDINGS = {
    OUTBID: {
        "zh-hans": ("您的出价已被超过", "${name}，您在“${auction}”的出价已被超过，${points} 积分已解冻。现在还可以继续出价。"),
        "zh-hant": ("您的出價已被超過", "${name}，您在「${auction}」的出價已被超過，${points} 積分已解凍。現在還可以繼續出價。"),
        "en": ("You were outbid", "${name}, somebody bid more in ${auction}. Your ${points} points are free again; you can still bid."),
    },
    WON: {
        "zh-hans": ("恭喜拍得", "${name}，您以 ${points} 积分拍得“${auction}”，请到“我的兑换”查看取货码。"),
        "zh-hant": ("恭喜拍得", "${name}，您以 ${points} 積分拍得「${auction}」，請到「我的兌換」查看取貨碼。"),
        "en": ("You have won", "${name}, you won ${auction} for ${points} points. The pick-up code is under My exchanges."),
    },
    GIFT_BACK: {
        "zh-hans": ("请退回赠品", "${name}，因商品退货，请在 ${day} 前到服务台退回“${gift}”，或再次消费补足。详情见“满额赠礼”。"),
        "zh-hant": ("請退回贈品", "${name}，因商品退貨，請在 ${day} 前到服務台退回「${gift}」，或再次消費補足。詳情見「滿額贈禮」。"),
        "en": ("Please bring a gift back", "${name}, goods were returned: please bring ${gift} back by ${day}, or buy enough again."),
    },
}  # fmt: skip
WON_FOR = dt.timedelta(days=7)
"""A message about a win that could not go out by then is dropped."""


def begin_templates(group_id: int, now: dt.datetime) -> None:
    """The wordings we begin with, once a group."""
    for code, wordings in WORDINGS.items():
        messaging.begin_inbox_template(
            actor=TELLER, group_id=group_id, code=code, name=NAMES[code], wordings=wordings, now=now
        )


def tell(
    template: str,
    person_id: int,
    auction: str,
    points: int,
    *,
    once: str,
    until: dt.datetime,
    now: dt.datetime,
) -> None:
    """One message to one bidder, once; it is no longer sent after ``until``."""
    _send(template, person_id, {"auction": auction, "points": f"{points:,}"}, once, until, now)


def tell_of_gift(
    person_id: int,
    gift: str,
    due_on: dt.date,
    *,
    once: str,
    until: dt.datetime,
    now: dt.datetime,
) -> None:
    """That a gift has to come back by a day; no longer sent when that day is over."""
    values = {"gift": gift, "day": due_on.isoformat()}
    _send(GIFT_BACK, person_id, values, once, until, now)


def _send(
    template: str, person_id: int, values: dict[str, str], once: str, until: dt.datetime, now: dt.datetime
) -> None:
    try:
        messaging.send_messages(
            actor=TELLER,
            template=template,
            person_ids=[person_id],
            values=values,
            once=once,
            expires_at=until,
            now=now,
        )
    except messaging.UnknownTemplate:
        return  # taken away by whoever runs the mall: nobody is to be told
