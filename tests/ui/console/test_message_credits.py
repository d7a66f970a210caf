"""Credits of subscribe messages: reported over the API, seen in the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.integrations.vendors import SYSTEM
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import make_key
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import Desks, World
from zhike.config.vendors import emulated_mini
from zhike.customers import operations as customers
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations
from zhike.organization import queries as organization

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C128")
OPENID, TEMPLATE = "oMiniAAAAAAAAAAAAAAAAAAAAAAA1", "miniQ3pbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEY"


def test_reported_over_the_api_and_seen_in_the_console(enter: Enter, desks: Desks, world: World) -> None:
    wang = enter(desks.wang)
    assert "尚未请求过订阅" in said(wang.get("/console/sending/credits/"))
    operations.save_account(
        actor=SYSTEM, account_id=None, group_id=organization.default_group().id, vendor="wechat_mini", name="小程序",
        values=emulated_mini("http://127.0.0.1:9"), price=0, position=0, is_active=True, now=world.now,
    )  # fmt: skip
    customers.add_identifier(
        actor=SYSTEM, person_id=loyalty.person_id_of(world.zhang_san),
        identifier=customers.NewIdentifier("openid", OPENID), now=world.now,
    )  # fmt: skip
    key, reader = (
        ApiClient(make_key(scopes)) for scopes in (["members.view", "members.edit"], ["members.view"])
    )
    address = f"/api/v1/members/{world.zhang_san}"
    pop_up = {"openid": OPENID, "key": "pick-up-1", "answers": [{"template": TEMPLATE, "answer": "accept"}]}
    for _copy in range(2):
        told = key.post(f"{address}/subscription-answers", pop_up)
        assert (told.status, told.json) == (201, {"items": [{"template": TEMPLATE, "left": 1}]})
    assert reader.get(f"{address}/message-credits").json["items"] == [{"template": TEMPLATE, "left": 1}]
    assert reader.post(f"{address}/subscription-answers", pop_up).status == 403
    assert key.post(f"{address}/subscription-answers", pop_up | {"openid": "o-of-nobody"}).status == 422
    assert key.post(f"{address}/subscription-answers", pop_up | {"answers": []}).status == 422
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        told = key.post(f"{address}/subscription-answers", pop_up | {"key": "k", "answered_at": moment})
        assert told.status == 422
    assert key.get("/api/v1/members/999999/message-credits").status == 404
    page = said(wang.get("/console/sending/credits/"))
    assert "未命名模板" in page and "待使用" in page and "张三" in page
    assert "没有符合条件的记录" in said(wang.get("/console/sending/credits/?state=used", headers=HTMX))
    assert enter(desks.li).get("/console/sending/credits/").status_code == 403
