"""Members hear in their inbox how it goes with what they brought back."""

from __future__ import annotations

import datetime as dt

from zhike.kernel.access import system_viewer
from zhike.messaging import operations as messaging

TELLER = system_viewer("after-sales")
PREFIX = "after_sale_"
NAMES = {
    "approved": "售后申请已通过",
    "refused": "售后申请未通过",
    "received": "售后商品已收到",
    "rejected": "售后检验未通过",
    "refunded": "退货已办结",
    "exchanged": "换货已办结",
    "workshop": "商品已送修",
    "ready": "商品可领取",
}
WORDINGS = {
    "approved": {
        "zh-hans": ("售后申请已通过", "${name}，您的售后申请 ${number} 已通过，请带上商品到服务台出示售后码。"),
        "zh-hant": ("售後申請已通過", "${name}，您的售後申請 ${number} 已通過，請帶上商品到服務台出示售後碼。"),
        "en": ("Your request is approved", "${name}, ${number} is approved. Bring the goods to the service desk and show the code."),
    },
    "refused": {
        "zh-hans": ("售后申请未通过", "${name}，您的售后申请 ${number} 未能通过：${note}。如有异议，可在工单里回复我们。"),
        "zh-hant": ("售後申請未通過", "${name}，您的售後申請 ${number} 未能通過：${note}。如有異議，可在工單裡回覆我們。"),
        "en": ("Your request was refused", "${name}, ${number} could not be approved: ${note}. If you disagree, answer on the ticket."),
    },
    "received": {
        "zh-hans": ("已收到您的商品", "${name}，${number} 的商品已由服务台收下，处理进度可随时在会员端查看。"),
        "zh-hant": ("已收到您的商品", "${name}，${number} 的商品已由服務台收下，處理進度可隨時在會員端查看。"),
        "en": ("We have your goods", "${name}, the goods of ${number} are at the service desk. You can follow them in the app."),
    },
    "rejected": {
        "zh-hans": ("商品检验未通过", "${name}，${number} 的商品检验未通过：${note}。请到服务台取回商品。"),
        "zh-hant": ("商品檢驗未通過", "${name}，${number} 的商品檢驗未通過：${note}。請到服務台取回商品。"),
        "en": ("Not accepted after checking", "${name}, ${number} was not accepted: ${note}. Please collect the goods at the desk."),
    },
    "refunded": {
        "zh-hans": ("退货已办结", "${name}，${number} 的退货已办结，退款 ${amount}。"),
        "zh-hant": ("退貨已辦結", "${name}，${number} 的退貨已辦結，退款 ${amount}。"),
        "en": ("Your return is done", "${name}, the return ${number} is done; ${amount} are paid back."),
    },
    "exchanged": {
        "zh-hans": ("换货已办结", "${name}，${number} 的换货已办结：${note}。"),
        "zh-hant": ("換貨已辦結", "${name}，${number} 的換貨已辦結：${note}。"),
        "en": ("Your exchange is done", "${name}, the exchange ${number} is done: ${note}."),
    },
    "workshop": {
        "zh-hans": ("商品已送修", "${name}，${number} 的商品已送往${note}，预计 ${day} 修好，您需支付 ${amount}。"),
        "zh-hant": ("商品已送修", "${name}，${number} 的商品已送往${note}，預計 ${day} 修好，您需支付 ${amount}。"),
        "en": ("Your goods are with the workshop", "${name}, ${number} is with ${note}, promised for ${day}; you pay ${amount}."),
    },
    "ready": {
        "zh-hans": ("商品已修好", "${name}，${number} 的商品已修好，请凭售后码到服务台领取，您需支付 ${amount}。"),
        "zh-hant": ("商品已修好", "${name}，${number} 的商品已修好，請憑售後碼到服務台領取，您需支付 ${amount}。"),
        "en": ("Your goods are mended", "${name}, the goods of ${number} are ready at the service desk. Show the code; you pay ${amount}."),
    },
}  # fmt: skip
TOLD_FOR = dt.timedelta(days=7)
"""News that could not go out by then is dropped."""


def begin_templates(group_id: int, now: dt.datetime) -> None:
    """The wordings we begin with, once a group."""
    for state, wordings in WORDINGS.items():
        messaging.begin_inbox_template(
            actor=TELLER, group_id=group_id, code=PREFIX + state, name=NAMES[state], wordings=wordings, now=now
        )  # fmt: skip


def tell(state: str, person_id: int | None, *, once: str, now: dt.datetime, **values: str) -> None:
    """One message about one step, once; nothing for whoever is not known, and for steps nobody is told of."""
    if person_id is None or state not in WORDINGS:
        return
    try:
        messaging.send_messages(
            actor=TELLER,
            template=PREFIX + state,
            person_ids=[person_id],
            values=values,
            once=once,
            expires_at=now + TOLD_FOR,
            now=now,
        )
    except messaging.UnknownTemplate:
        return  # taken away by whoever runs the mall: nobody is to be told
