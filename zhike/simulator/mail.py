"""The demonstration's mailbox: e-mails of the last days, answered and not, and an emulated server that brings more. Repeatable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from zhike.customers import operations as customer_operations
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.ports import Incoming

ACTOR = system_viewer("simulator")
NAME = "客服邮箱"
MINUTE = dt.timedelta(minutes=1)
PLACEHOLDER = {
    "address": "service@mall.example",
    "imap_host": "127.0.0.1",
    "smtp_host": "127.0.0.1",
    "user": "service",
    "password": "-",
}
PROVEN = {"dmarc": "pass", "dkim": "pass", "spf": "pass"}
FORGED = {"dmarc": "fail", "spf": "softfail"}
GONE = "fengling1988@gone.example"
"""The emulated server says that there is no such mailbox."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What came, and by turns what was answered. ``days`` ago at half past ten; ``is_member``: of somebody we know."""

    days: int
    name: str
    address: str
    title: str
    turns: tuple[str, ...]
    is_member: bool = False
    proof: tuple[tuple[str, str], ...] = tuple(PROVEN.items())
    folded: str = ""
    ends: bool = False


PAST = (
    Mail(
        6, "陈静", "chen.jing@example.com", "发票抬头开错了",
        ("您好，我 3 月 2 日在贵商场三楼的发票抬头写成了个人，能改成公司吗？税号我附在后面。",
         "陈女士您好，已与商户核对，可以红冲重开，新发票两个工作日内发到您的邮箱。",
         "收到，非常感谢。"),
        is_member=True, ends=True, folded="—\n陈静\n发自我的iPhone",
    ),
    Mail(
        4, "何志强", "he.zq@example.com", "积分兑换的杯子有裂纹",
        ("昨天在服务台领的马克杯，回家打开发现杯口有一道裂纹，请问怎么换？",
         "何先生您好，很抱歉。请带杯子到一楼服务台，我们为您换一只新的，无需小票。"),
        is_member=True,
    ),
    Mail(
        2, "赵敏", "zhaomin@example.com", "查询我的积分并转到另一个手机号",
        ("我手机丢了，请把我名下的积分全部转到 13900001111。",), proof=tuple(FORGED.items()),
    ),
    Mail(
        2, "冯玲", GONE, "会员日活动咨询",
        ("请问本月会员日是哪一天？停车还免费吗？", "冯女士您好，会员日为每月 18 日，当天会员停车免费 4 小时。"),
    ),
    Mail(
        1, "蓝湾设计 王芳", "wangfang@studio.example", "商场公共区域拍摄申请",
        ("您好，我们想在下周三上午借中庭拍摄一组服装照片，约两小时，需要办理哪些手续？",),
        folded="王芳\n蓝湾设计工作室\n电话 010-5555 0100",
    ),
)  # fmt: skip
ARRIVING = (
    ("刘洋", "liuyang@example.com", "儿童推车租借", "请问商场有儿童推车可以借吗？需要押金吗？"),
    ("孙悦", "sunyue@example.com", "停车多扣了费用", "昨晚出场显示扣了两次停车费，一共 30 元，麻烦帮忙核实退款。"),
)  # fmt: skip


def seed_mail(actor: Viewer, mall_id: int, now: dt.datetime) -> int:
    """How many e-mails; nothing when the mailbox is there already."""
    if any(one.name == NAME for one in queries.line_files(actor, now)):
        return 0
    agents = [one for one in organization.staff_list(actor) if one.username == "service"]
    if not agents:
        return 0
    agent = organization.viewer_of_staff(agents[0].id)
    line_id = service.save_line(
        actor=actor,
        line_id=None,
        mall_id=mall_id,
        channel="email",
        name=NAME,
        values=PLACEHOLDER,
        is_active=False,
        now=now - dt.timedelta(days=7),
    )
    zone = ZoneInfo(organization.mall(mall_id).time_zone)
    return sum(_live(actor, agent, line_id, one, _half_past_ten(now, zone, one.days)) for one in PAST)


def _half_past_ten(now: dt.datetime, zone: dt.tzinfo, days: int) -> dt.datetime:
    day = now.astimezone(zone).date() - dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(10, 30), zone).astimezone(dt.UTC)


def _live(actor: Viewer, agent: Viewer, line_id: int, mail: Mail, at: dt.datetime) -> int:
    if mail.is_member:
        _know(actor, mail, at)
    number, names = "", [f"<{mail.days}.{len(mail.title)}@example.com>"]
    for place, text in enumerate(mail.turns):
        if place % 2:
            service.write_as_staff(actor=agent, number=number, text=text, now=at)
        else:
            names.append(f"<{mail.days}.{place}.{len(text)}@example.com>")
            incoming = Incoming(
                key=names[-1],
                address=mail.address,
                name=mail.name,
                text=text,
                at=at,
                title=mail.title,
                folded=mail.folded,
                thread=tuple(names[:-1]),
                is_proven=dict(mail.proof).get("dmarc") == "pass",
                proof=dict(mail.proof),
            )
            number = service.hear(actor=actor, line_id=line_id, incoming=incoming, now=at) or number
        at += 25 * MINUTE
    if mail.ends:
        service.close_conversation(actor=agent, number=number, now=at)
    return len(mail.turns)


def _know(actor: Viewer, mail: Mail, at: dt.datetime) -> None:
    """Give the address to a member who has none."""
    for hit in customers.search(actor, mail.name[:1], limit=5):
        identifier = customer_operations.NewIdentifier("email", mail.address, at)
        try:
            customer_operations.add_identifier(
                actor=actor, person_id=hit.person_id, identifier=identifier, now=at
            )
        except Problem:
            continue
        return


def open_demo_mail(values: Mapping[str, str], now: dt.datetime) -> None:
    """Called at every start: the emulated server's ports in ``values`` change, the rest stays."""
    for known in queries.line_files(ACTOR, now):
        if known.name == NAME:
            service.save_line(
                actor=ACTOR,
                line_id=known.id,
                mall_id=known.mall_id,
                channel="email",
                name=NAME,
                values=values,
                now=now,
            )


def arriving() -> Sequence[tuple[str, str, str, str]]:
    """(name, address, subject, words) of those who write while somebody looks on."""
    return ARRIVING
