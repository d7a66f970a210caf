"""Members handed over between sales associates: whose, how many, once; and who looks after oneself."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.people import NOW, Crew, Malls
from zhike.customers import operations as customers
from zhike.customers.operations import associates as operations
from zhike.customers.queries import associates as queries
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.organization.operations import staff
from zhike.sales import queries as sales

pytestmark = [pytest.mark.django_db, pytest.mark.feature("B30", "C075")]
SYSTEM = system_viewer("tests")


def hand_over(crew: Crew, actor: object = None, **changes: object) -> int:
    values = {
        "from_staff_id": crew.zhou.id,
        "to_staff_id": crew.sun.id,
        "reason": "调岗",
        "now": NOW,
    } | changes
    return operations.hand_over_members(actor=actor or crew.wang, **values)  # type: ignore[arg-type]


def test_members_go_over_once_with_a_reason(malls: Malls, crew: Crew, zhang_san: int, li_si: int) -> None:
    for person_id in (zhang_san, li_si):
        customers.assign_associate(actor=SYSTEM, person_id=person_id, staff_id=crew.zhou.id, now=NOW)
    found = {one.staff_id: one for one in queries.associates(crew.wang)}
    assert found[crew.zhou.id or 0].members >= 1 and found[crew.zhou.id or 0].places
    crew.all()
    written = Event.objects.count()
    moved = hand_over(crew)
    assert moved >= 1 and hand_over(crew) == 0
    assert Event.objects.count() == written + moved
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, (entry.after or {})["members"], entry.reason) == (
        "associate.hand_over",
        moved,
        "调岗",
    )
    mine = queries.associate_of(zhang_san)
    assert mine is not None and mine.name == "孙客服"


def test_nobody_gives_away_what_is_not_theirs(malls: Malls, crew: Crew, zhang_san: int) -> None:
    customers.assign_associate(actor=SYSTEM, person_id=zhang_san, staff_id=crew.zhou.id, now=NOW)
    with pytest.raises(NotAllowed):
        hand_over(crew, crew.zhou)
    assert hand_over(crew, crew.qian) == 0
    for bad in ({"to_staff_id": crew.zhou.id}, {"reason": " "}):
        with pytest.raises(operations.HandOverInvalid):
            hand_over(crew, **bad)
    with pytest.raises(NotFound):
        hand_over(crew, to_staff_id=987_654)
    staff.deactivate_staff(actor=SYSTEM, staff_id=crew.zhou.id or 0, reason="离职", now=NOW)
    assert queries.associate_of(zhang_san) is None
    left = next(one for one in queries.associates(crew.wang) if one.staff_id == crew.zhou.id)
    assert not left.is_active and crew.zhou.id not in dict(queries.associates_to_choose(crew.wang))
    assert hand_over(crew) == 1


def test_what_their_members_bought_is_counted(malls: Malls, crew: Crew, zhang_san: int) -> None:
    assert sales.sales_by_associate(crew.wang, NOW - dt.timedelta(days=30), NOW) == {}
    with pytest.raises(NotAllowed):
        sales.sales_by_associate(crew.nobody, NOW - dt.timedelta(days=30), NOW)
