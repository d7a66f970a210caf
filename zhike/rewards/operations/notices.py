"""Bidders hear in their inbox that they were outbid, while they can answer, and that they won."""

from __future__ import annotations

import datetime as dt

from zhike.kernel.access import system_viewer
from zhike.messaging import operations as messaging

TELLER = system_viewer("rewards")
OUTBID, WON = "auction_outbid", "auction_won"
NAMES = {OUTBID: "竞拍被超过", WON: "竞拍拍得"}
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
    try:
        messaging.send_messages(
            actor=TELLER,
            template=template,
            person_ids=[person_id],
            values={"auction": auction, "points": f"{points:,}"},
            once=once,
            expires_at=until,
            now=now,
        )
    except messaging.UnknownTemplate:
        return  # taken away by whoever runs the mall: nobody is to be told
