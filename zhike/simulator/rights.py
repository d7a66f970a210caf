"""What members asked about their own data: answered, open, late, called off, and one whose data were erased."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, may_touch
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.rights import operations, queries
from zhike.simulator.founding import World
from zhike.simulator.history import History

FIRST = 40
"""Where among the members those who ask begin; the ones before are busy elsewhere."""


@dataclass(frozen=True, slots=True)
class Wish:
    """``by`` is member, or the log-in name of who took it down; ``then`` what came of it after so many days."""

    kind: str
    days_ago: int
    by: str = "member"
    note: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    then: str = ""
    reason: str = ""


WISHES = (
    Wish("correction", 27, "service", "热线来电，报出近期两张小票核对身份", {"occupation": "中学教师"}),
    Wish("correction", 20, note="身份证上的名字是这个字，可到服务台出示", changes={"address": "滨江路 88 号 3 幢"}),
    Wish("access", 16, then="downloaded"),
    Wish("correction", 14, "service", "到店出示身份证", {"occupation": "设计师"}, "approved", "证件与申请一致"),
    Wish("correction", 12, note="想改成我先生的名字", changes={"name": "王建国"}, then="refused",
         reason="姓名应与本人证件一致；如需转让会员请到服务台咨询。"),
    Wish("erasure", 11, "service", "来信要求删除全部信息，附身份证复印件", then="erased"),
    Wish("restriction", 9),
    Wish("closing", 8, then="cancelled"),
    Wish("access", 2, then="downloaded"),
    Wish("closing", 2),
    Wish("erasure", 1, "service", "电话申请，已按流程回拨核验", then=""),
    Wish("access", 0),
    Wish("correction", 0, note="小名换成大名", changes={"occupation": "自由职业"}),
)  # fmt: skip


def seed_rights(actor: Viewer, world: World, history: History, now: dt.datetime) -> int:
    """Requests of a month; how many. Nothing when there are some."""
    if queries.requests_page(actor, queue="all", limit=1, now=now).items:
        return 0
    people = history.people[FIRST : FIRST + 3 * len(WISHES)]
    known = customers.person_ids_by("phone", [one.phone for one in people])
    hired = {one.username: organization.viewer_of_staff(one.id) for one in organization.staff_list(actor)}
    waiting = [known[one.phone] for one in people if one.phone in known]
    made = 0
    for wish in WISHES:
        while waiting and not _grant(actor, wish, waiting.pop(0), hired, now):
            pass
        made += 1
    _report(actor, hired, now)
    return made


def _report(actor: Viewer, hired: dict[str, Viewer], now: dt.datetime) -> None:
    """What somebody of the group's management made this morning about the last half year."""
    today = queries.today(now)
    manager = next((one for one in hired.values() if may_touch(one, "rights.handle")), actor)
    period = queries.Period(today - dt.timedelta(days=182), today - dt.timedelta(days=1))
    operations.make_report(actor=manager, period=period, now=now)


def _grant(actor: Viewer, wish: Wish, person_id: int, hired: dict[str, Viewer], now: dt.datetime) -> bool:
    """Whether this person could ask for it: somebody with an open ticket cannot leave."""
    at = now - dt.timedelta(days=wish.days_ago, hours=2)
    own = customers.viewer_of_person(person_id)
    asks = own if wish.by == "member" else hired.get(wish.by, actor)
    door = "member_app" if wish.by == "member" else "desk"
    try:
        request_id = operations.ask(
            actor=asks,
            person_id=person_id,
            kind=wish.kind,
            door=door,
            note=wish.note,
            changes=wish.changes,
            now=at,
        )
    except Problem:
        return False
    desk, manager = hired.get("service", actor), hired.get("manager", actor)
    later = at + dt.timedelta(hours=26)
    outcomes: dict[str, Callable[[], object]] = {
        "": lambda: None,
        "downloaded": lambda: operations.download(actor=own, request_id=request_id, now=at),
        "approved": lambda: operations.approve(
            actor=desk, request_id=request_id, note=wish.reason, now=later
        ),
        "refused": lambda: operations.refuse(
            actor=desk, request_id=request_id, reason=wish.reason, now=later
        ),
        "cancelled": lambda: operations.cancel(actor=own, request_id=request_id, now=later),
        "erased": lambda: operations.approve(
            actor=manager, request_id=request_id, note="信件与证件已核对", now=later
        ),  # and the worker does it as soon as it runs
    }
    outcomes[wish.then]()
    operations.end_download(actor=actor, request_id=request_id, now=now)
    return True
