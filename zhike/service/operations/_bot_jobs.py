"""Jobs of the assistant, from the question to the end: what a member may look up or ask for, under their own authority."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import translation

from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import queries as loyalty
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service.models import Message, Ticket
from zhike.service.operations import _conversations
from zhike.service.operations import tickets as ticket_operations
from zhike.service.queries import calendars
from zhike.service.queries.agents import DESK_CALENDAR
from zhike.service.queries.conversations import views_of
from zhike.service.queries.tickets import tickets_page
from zhike.service.rules import bot as words
from zhike.service.rules import clock, intents

if TYPE_CHECKING:
    from zhike.service.operations._bot import Turn

SHOWN = 5
LONG_ENOUGH = 12
"""Words of a complaint that tell something; below this the assistant asks what happened."""
_HOUSE = system_viewer("assistant")
_STATUSES = {
    "new": "已受理",
    "open": "处理中",
    "waiting": "等待您回复",
    "resolved": "已解决",
    "closed": "已关闭",
}
_COMPLAINTS = ("complaint_staff", "complaint_goods", "complaint_place", "price_dispute")


def begin(turn: Turn, code: str) -> None:
    """Start a job; a refusal on the way is for a person to look at."""
    try:
        _BEGIN[code](turn)
    except Problem:
        turn.hand_over("unable", turn.row.skill)


def go_on(turn: Turn) -> None:
    """The next step of the job the conversation is in."""
    _GO_ON[turn.row.bot_state["job"]](turn)


def _file(turn: Turn) -> loyalty.MemberFile:
    member_id = loyalty.member_id_of_person(turn.row.person_id)
    return loyalty.member_file(turn.actor, member_id or 0, turn.now)


def _yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def _local(turn: Turn, moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(ZoneInfo(organization.mall(turn.row.mall_id).time_zone))


# --- looking up ----------------------------------------------------------------------------------------------------


def _points(turn: Turn) -> None:
    file = _file(turn)
    soon = f"其中 {file.expiring_30d:,} 积分将在 30 天内到期。" if file.expiring_30d else ""
    pending = f"另有 {file.pending:,} 积分待生效。" if file.pending else ""
    turn.reply(f"您目前有 {file.balance:,} 积分可用。{soon}{pending}", "积分明细", "积分怎么用")


def _expiring(turn: Turn) -> None:
    lots = [lot for lot in _file(turn).lots if lot.expires_on is not None and lot.remaining > 0][:SHOWN]
    items = [
        f"{lot.expires_on.year} 年 {words.day(lot.expires_on)}：{lot.remaining:,} 积分"
        for lot in lots
        if lot.expires_on
    ]
    turn.reply(words.lines("您的积分到期情况（当天仍可使用）：", items, "您没有会到期的积分。"), "积分怎么用")


def _history(turn: Turn) -> None:
    member_id = loyalty.member_id_of_person(turn.row.person_id)
    entries = loyalty.statement(turn.actor, member_id or 0, None, SHOWN).items
    items = [
        f"{words.day(_local(turn, one.posted_at))} {one.points:+,}，余 {one.balance_after:,}"
        for one in entries
    ]
    turn.reply(
        words.lines("最近的积分变动：", items, "您还没有积分记录。")
        + "\n每一笔的来由可在会员端“积分”里点开查看。"
    )


def _missing(turn: Turn) -> None:
    """What came in lately, so that the member sees whether it is there; if not, somebody looks."""
    rows = _sales(turn)
    items = [_receipt_line(turn, place, one) for place, one in enumerate(rows, start=1)]
    known = words.lines("系统里您最近的消费有：", items, "系统里暂时没有您最近的消费记录。")
    turn.reply(
        f"{known}\n如果您问的那笔不在其中，请转人工并把小票拍照发来，我们为您补登。",
        words.SOLVED,
        words.HUMAN,
    )


def _tier(turn: Turn) -> None:
    file = _file(turn)
    ahead = ""
    if file.next_tier is not None:
        ahead = _ahead(file)
    turn.reply(
        f"您目前的等级是{file.tier.name}，本评定周期已累计{_counted(file)}。{ahead}",
        "等级权益",
    )


def _progress(turn: Turn) -> None:
    file = _file(turn)
    if file.next_tier is None:
        turn.reply(f"您已经是最高等级{file.tier.name}。")
        return
    turn.reply(f"您目前是{file.tier.name}，本周期已累计{_counted(file)}，{_ahead(file)}")


def _counted(file: loyalty.MemberFile) -> str:
    with translation.override("zh-hans"):
        return f"消费 {file.counted_text}" if file.tier.basis == "spend" else f" {file.counted_text}"


def _ahead(file: loyalty.MemberFile) -> str:
    """What is missing to the next tier; the bot speaks Chinese."""
    with translation.override("zh-hans"):
        return file.ahead


def _coupons(turn: Turn) -> None:
    member_id = loyalty.member_id_of_person(turn.row.person_id)
    held = offers.member_coupons(turn.actor, member_id or 0, turn.now)
    usable = sorted((one for one in held if one.state == "usable"), key=lambda one: one.valid_until)
    items = [f"{one.name}，{words.day(_local(turn, one.last_moment))}前有效" for one in usable[:SHOWN]]
    head = (
        f"您有 {len(usable)} 张可用的优惠券："
        if len(usable) <= SHOWN
        else f"您有 {len(usable)} 张可用的优惠券，最先到期的是："
    )
    turn.reply(words.lines(head, items, "您目前没有可用的优惠券。"), "怎么领券", "优惠券怎么用")


def _sales(turn: Turn) -> list[sales.ReceiptRow]:
    rows = sales.receipts_of_person(turn.row.person_id, limit=SHOWN * 2).items
    return [one for one in rows if one.kind == "sale"][:SHOWN]


def _receipt_line(turn: Turn, place: int, one: sales.ReceiptRow) -> str:
    return f"{place}. {words.day(one.business_date)} {one.merchant_name} {_yuan(one.net_fen)}"


def _orders(turn: Turn) -> None:
    items = [_receipt_line(turn, place, one) for place, one in enumerate(_sales(turn), start=1)]
    turn.reply(words.lines("您最近的消费：", items, "没有找到您的消费记录。"), "退换货申请")


def _ticket_progress(turn: Turn) -> None:
    rows = tickets_page(turn.actor, person_id=turn.row.person_id, limit=3, now=turn.now).items
    items = [f"{one.number} {one.title}：{_STATUSES[one.status]}" for one in rows]
    turn.reply(words.lines("您最近的工单：", items, "您没有提交过投诉或工单。"), words.HUMAN)


# --- the mall ------------------------------------------------------------------------------------------------------


def shops_named(turn: Turn) -> list[organization.MerchantRef]:
    """The open shops of the mall that a text names."""
    shops = {ref.id: ref for ref in organization.merchants(_HOUSE, turn.row.mall_id) if ref.is_open}
    return [shops[pk] for pk in intents.named(turn.text, [(pk, ref.name) for pk, ref in shops.items()])]


def without_names(turn: Turn) -> str:
    """The text with a shop that every model knows in place of those of this mall."""
    text = turn.text
    for ref in shops_named(turn):
        text = text.replace(ref.name, intents.SHOPS[0])
    return text


def _location(turn: Turn) -> None:
    found = shops_named(turn)[:3]
    if not found:
        turn.row.bot_state = {"job": "store_location"}
        turn.reply("请问您要找哪家店？把店名告诉我就可以。", words.GIVE_UP, words.HUMAN)
        return
    floors = {one.id: one.name for one in organization.floors(turn.row.mall_id)}
    where = [f"{ref.name}在{floors.get(ref.floor_id or 0, '一层服务台可查')}。" for ref in found]
    turn.row.bot_state = {}
    turn.reply("\n".join(where))


def _location_again(turn: Turn) -> None:
    if shops_named(turn):
        _location(turn)
        return
    turn.row.bot_state = {}
    turn.reply("没有找到这家店，可能不在本商场或换了名字。为您转接人工客服。")
    turn.hand_over("unable", "places")


def _hours(turn: Turn) -> None:
    """The hours of the desk's calendar, which are the mall's."""
    mall = organization.mall(turn.row.mall_id)
    version_id = calendars.newest_version_ids(mall.group_id).get(DESK_CALENDAR)
    if version_id is None:
        turn.hand_over("unable", "places")
        return
    calendar = calendars.Calendars(turn.now).get(version_id)
    today = _local(turn, turn.now)
    parts = []
    for offset, name in ((0, "今天"), (1, "明天")):
        day = today.date() + dt.timedelta(days=offset)
        shifts = calendar.day(day)[0]
        hours = "、".join(f"{_clock(one.start)}–{_clock(one.end)}" for one in shifts) or "不营业"
        parts.append(f"{name}（{words.WEEKDAYS[day.weekday()]}）{hours}")
    state = "目前正在营业。" if clock.is_open(calendar, turn.now) else "现在不在营业时间。"
    turn.reply(f"{mall.name}营业时间：{'，'.join(parts)}。{state}个别店铺的时间以店铺公告为准。")


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24 if minutes != 1440 else 24:02d}:{minutes % 60:02d}"


# --- asking for something ------------------------------------------------------------------------------------------


def _return(turn: Turn) -> None:
    rows = _sales(turn)
    if not rows:
        turn.reply("没有找到您的消费记录，为您转接人工客服办理退换货。")
        turn.hand_over("unable", "orders")
        return
    turn.row.bot_state = {
        "job": "return_request",
        "step": "receipt",
        "receipts": [str(one.id) for one in rows],
    }
    items = [_receipt_line(turn, place, one) for place, one in enumerate(rows, start=1)]
    places = [str(place) for place in range(1, len(rows) + 1)]
    turn.reply(words.lines("请问要退换哪一笔？回复序号即可：", items, ""), *places, words.GIVE_UP)


def _return_on(turn: Turn) -> None:
    state = turn.row.bot_state
    if state["step"] == "receipt":
        place = turn.text.strip().removeprefix("第").removesuffix("笔").strip()
        if not place.isdecimal() or not 1 <= int(place) <= len(state["receipts"]):
            _once_more(
                turn, "请回复序号，例如 1。", *(str(at) for at in range(1, len(state["receipts"]) + 1))
            )
            return
        turn.row.bot_state = state | {
            "step": "reason",
            "receipt": state["receipts"][int(place) - 1],
            "tries": 0,
        }
        turn.reply("请问退换的原因是？", *words.REASONS, words.GIVE_UP)
    elif state["step"] == "reason":
        receipt = sales.receipt(turn.actor, UUID(state["receipt"])).row
        reason = words.REASONS.index(turn.text) if turn.text in words.REASONS else len(words.REASONS) - 1
        turn.row.bot_state = state | {"step": "confirm", "reason": reason, "message": turn.message.number}
        turn.reply(
            f"为您提交退换货申请：{receipt.merchant_name}，{words.day(receipt.business_date)}，"
            f"{_yuan(receipt.net_fen)}，原因：{turn.text[:60]}。确认提交吗？",
            words.CONFIRM,
            words.GIVE_UP,
        )
    elif not words.confirms(turn.text):
        _once_more(turn, "回复“确认提交”即可提交，或回复“算了”取消。", words.CONFIRM, words.GIVE_UP)
    else:
        why = words.REASONS[state["reason"]]
        _submit(
            turn, "return", f"会员在线申请退换货，原因：{why}。{_said(turn)}", UUID(state["receipt"]), None
        )


def _complaint(turn: Turn) -> None:
    """Straight to the confirmation when the first words tell enough."""
    turn.row.bot_state = {"job": turn.row.subject, "step": "detail"}
    if len(turn.text) >= LONG_ENOUGH:
        _complaint_on(turn)
        return
    turn.reply(
        "非常抱歉给您带来不好的体验。请告诉我：在哪家店或什么位置、什么时间、发生了什么，我为您登记。",
        words.HUMAN,
        words.GIVE_UP,
    )


def _complaint_on(turn: Turn) -> None:
    state = turn.row.bot_state
    if state["step"] == "detail":
        shops = shops_named(turn)
        turn.row.bot_state = state | {
            "step": "confirm",
            "message": turn.message.number,
            "merchant": shops[0].id if shops else None,
        }
        about = f"关于{shops[0].name}，" if shops else ""
        turn.reply(
            f"为您登记投诉：{about}“{turn.text[:120]}”。确认提交吗？",
            words.CONFIRM,
            words.HUMAN,
            words.GIVE_UP,
        )
    elif not words.confirms(turn.text):
        _once_more(turn, "回复“确认提交”即可登记，或回复“算了”取消。", words.CONFIRM, words.GIVE_UP)
    else:
        _submit(turn, "complaint", _said(turn), None, state["merchant"])


def _said(turn: Turn) -> str:
    """The member's own words, read back from the message."""
    rows = Message.objects.filter(conversation=turn.row, number=turn.row.bot_state["message"])
    return views_of(list(rows))[0].text


def _submit(turn: Turn, kind: str, text: str, receipt_id: UUID | None, merchant_id: int | None) -> None:
    """Open the ticket in the member's name and say its number."""
    if (
        turn.row.ticket_id is not None
        and Ticket.objects.exclude(status="closed").filter(pk=turn.row.ticket_id).exists()
    ):
        turn.reply("本次会话已经登记过一张工单，新的问题为您转接人工客服。")
        turn.hand_over("unable", turn.row.skill)
        return
    number = ticket_operations.open_ticket(
        actor=turn.actor,
        type=kind,
        text=text,
        channel="chat",
        mall_id=turn.row.mall_id,
        merchant_id=merchant_id,
        person_id=turn.row.person_id,
        receipt_id=receipt_id,
        now=turn.now,
    )
    turn.row.bot_state = {}
    turn.reply(f"已为您提交，工单号 {number}。客服会尽快与您联系，进展可在会员端“帮助与投诉”查看。")
    _conversations.link_ticket(turn.row, ticket_operations.id_of(number), number, turn.now)


def _once_more(turn: Turn, text: str, *choices: str) -> None:
    """Ask again once; then it is for a person."""
    if turn.row.bot_state.get("tries"):
        turn.hand_over("unsure", turn.row.skill)
        return
    turn.row.bot_state = turn.row.bot_state | {"tries": 1}
    turn.reply(text, *choices, words.HUMAN)


_BEGIN: dict[str, Callable[[Turn], None]] = {
    "points_balance": _points,
    "points_expiring": _expiring,
    "points_history": _history,
    "points_missing": _missing,
    "tier_mine": _tier,
    "tier_progress": _progress,
    "coupons_mine": _coupons,
    "order_query": _orders,
    "store_location": _location,
    "opening_hours": _hours,
    "return_request": _return,
    "complaint_progress": _ticket_progress,
    "complaint_staff": _complaint,
    "complaint_goods": _complaint,
    "complaint_place": _complaint,
    "price_dispute": _complaint,
}
_GO_ON: dict[str, Callable[[Turn], None]] = {
    "store_location": _location_again,
    "return_request": _return_on,
    **dict.fromkeys(_COMPLAINTS, _complaint_on),
}
