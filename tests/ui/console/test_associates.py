"""Sales associates in a browser: the list, hand-over, the associate of one member; and the member's own view of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pytest
from django.test import Client

from tests.people import hire
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import Desks, World
from zhike.clienteling import queries as clienteling
from zhike.customers.queries import associates
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("B30", "C075")


def test_chosen_listed_and_handed_over(enter: Enter, desks: Desks, world: World) -> None:
    malls = world.malls
    zhou = hire(malls, "zhou", "周导购", ("sales_associate", "merchant", malls.fashion), now=world.now)
    wu = hire(malls, "wu", "吴导购", ("sales_associate", "merchant", malls.fashion), now=world.now)
    wang = enter(desks.wang)
    address = f"/console/members/{world.zhang_san}/associate/"
    form = form_of(wang.get(address, headers=HTMX)) | {"staff_id": str(zhou.id), "reason": "老客户"}
    wang.post(address, form, headers=HTMX)
    assert "周导购" in said(wang.get(f"/console/members/{world.zhang_san}/profile/"))
    page = said(wang.get("/console/associates/"))
    assert "周导购" in page and "吴导购" in page and "客户交接" in page
    address = f"/console/associates/{zhou.id}/hand-over/"
    form = form_of(wang.get(address, headers=HTMX)) | {"reason": "调岗"}
    assert wang.post(address, form | {"to_staff_id": ""}, headers=HTMX).status_code == 422
    wang.post(address, form | {"to_staff_id": str(wu.id)}, headers=HTMX)
    person_id = loyalty.person_id_of(world.zhang_san)
    mine = associates.associate_of(person_id)
    assert mine is not None and mine.name == "吴导购"
    assert enter(desks.li).get("/console/associates/").status_code == 403


@pytest.mark.feature("C200")
def test_rules_of_reminders_are_published_for_a_mall(enter: Enter, desks: Desks, world: World) -> None:
    wang = enter(desks.wang)
    address = "/console/associates/reminders/"
    assert "正在使用默认规则" in said(wang.get(address))
    form = {name: str(value) for name, value in asdict(clienteling.Terms(quiet_days=90)).items()}
    form |= form_of(wang.get(address))
    assert wang.post(address, form | {"points_min": "0"}).status_code == 422
    assert wang.post(address, form).status_code == 302
    assert clienteling.reminder_policy(world.malls.star).terms.quiet_days == 90
    assert "王店总" in said(wang.get(address))
    assert enter(desks.li).get(address).status_code == 403
