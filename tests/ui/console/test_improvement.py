"""The improvement report in a browser: read, acted upon, finished."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.service import operations as service
from zhike.service.models import ImprovementAction

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C186")


def test_read_acted_upon_and_finished(enter: Enter, desks: Desks, world: World) -> None:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    service.open_ticket(
        actor=SYSTEM, type="complaint", text="咖啡里有异物", channel="phone", merchant_id=world.malls.cafe,
        now=world.now,
    )  # fmt: skip
    wang = enter(desks.wang)
    page = said(wang.get("/console/service/improvement/"))
    assert "半山咖啡" in page and "变化不显著" in page
    assert wang.get("/console/service/improvement/?month=2019-13").status_code == 200
    address = f"/console/service/improvement/new/?merchant_id={world.malls.cafe}"
    form = form_of(wang.get(address, headers=HTMX)) | {
        "title": "后厨抽检", "mall_id": str(world.malls.star), "merchant_id": str(world.malls.cafe),
    }  # fmt: skip
    assert wang.post(address, form | {"merchant_id": ""}, headers=HTMX).status_code == 422
    wang.post(address, form, headers=HTMX)
    row = ImprovementAction.objects.get()
    address = f"/console/service/improvement/{row.pk}/done/"
    wang.post(address, form_of(wang.get(address, headers=HTMX)) | {"note": "已整改"}, headers=HTMX)
    page = said(wang.get("/console/service/improvement/"))
    assert "后厨抽检" in page and "已整改" in page
    assert enter(desks.li).get("/console/service/improvement/").status_code == 403
