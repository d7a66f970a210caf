"""Accounts with vendors of messages: who may open them, what is never shown, the test message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.integrations.vendors import SYSTEM, aliyun, approve_at_vendor
from tests.messaging.test_notices import listen
from tests.people import meet
from tests.ui.console.world import Desks, World
from zhike.integrations.web_push.emulator import PushEmulator
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry
from zhike.messaging.models import ChannelAccount
from zhike.messaging.queries import accounts, push_key

Enter = Callable[[Viewer], Client]
SECRET = "a-secret-nobody-sees-again"


def _form(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "阿里云", "price": 4500, "position": 0, "is_active": "on", "v_key_id": "demo-key",
        "v_key_secret": SECRET, "v_sign_name": "星河城", "v_endpoint": url, "v_callback_from": "",
    } | changes  # fmt: skip


@pytest.mark.feature("C128", "C028")
def test_account_is_opened_tried_and_never_shows_its_secret(desks: Desks, enter: Enter) -> None:
    client = enter(desks.admin)
    assert "尚不能发送消息" in client.get("/console/channels/").content.decode()
    with aliyun(keys={"demo-key": SECRET}) as emulator:
        assert client.get("/console/channels/new/aliyun_sms/").status_code == 200
        answer = client.post("/console/channels/new/aliyun_sms/", _form(emulator.url))
        assert answer.status_code == 302, answer.content.decode()
        account_id = ChannelAccount.objects.get().pk
        approve_at_vendor(emulator, account_id, now=clock.now())
        url = f"/console/channels/{account_id}/test/"
        done = client.post(url, {"to": "13800138000"}, headers={"HX-Request": "true"})
        assert done.headers["HX-Redirect"] == "/console/channels/"
        assert "000000" in emulator.operator.sent[0].text
        emulator.operator.keys = {}
        refused = client.post(url, {"to": "13800138000"}, headers={"HX-Request": "true"})
        assert "Specified access key is not found" in refused.content.decode()
        kept = client.post(
            f"/console/channels/{account_id}/", _form(emulator.url, v_key_secret="", name="改名")
        )
        assert kept.status_code == 302
    pages = [
        client.get(path).content.decode()
        for path in ("/console/channels/", f"/console/channels/{account_id}/")
    ]
    assert all(SECRET not in page for page in pages)
    assert "/reports/" in pages[0]
    row = ChannelAccount.objects.get()
    assert row.name == "改名"
    assert SECRET.encode() not in bytes(row.secret)
    assert SECRET not in str(list(AuditEntry.objects.values_list("after", flat=True)))
    [view] = accounts(SYSTEM)
    assert view.kept_secrets == ("key_secret",)


@pytest.mark.feature("C128")
def test_account_for_notifications_makes_its_key_says_who_listens_and_is_tried_out(
    world: World, desks: Desks, enter: Enter
) -> None:
    client = enter(desks.admin)
    person_id = meet(world.malls, "张三", "13912345678")
    with PushEmulator() as emulator:
        form = {
            "name": "通知", "price": 0, "position": 0, "is_active": "on", "v_contact": "someone", "v_private_key": "",
            "v_services": "", "v_emulator": emulator.url,
        }  # fmt: skip
        assert "填写有误" in client.post("/console/channels/new/web_push/", form).content.decode()
        made = client.post("/console/channels/new/web_push/", form | {"v_contact": "mailto:desk@example.com"})
        assert made.status_code == 302
        listen(person_id, "phone", now=clock.now())
        page = client.get("/console/channels/").content.decode()
        assert push_key() in page
        assert "来自 1 位会员" in page
        url = f"/console/channels/{ChannelAccount.objects.get().pk}/test/"
        nobody = client.post(url, {"to": "13900000001"}, headers={"HX-Request": "true"})
        assert "没有在任何浏览器开启通知" in nobody.content.decode()
        done = client.post(url, {"to": "13912345678"}, headers={"HX-Request": "true"})
        assert done.headers["HX-Redirect"] == "/console/channels/"
    assert [one.body for one in emulator.service.shown] == ["这是一条测试通知。"]


def test_unfinished_account_is_refused_and_nothing_is_kept(desks: Desks, enter: Enter) -> None:
    client = enter(desks.admin)
    answer = client.post("/console/channels/new/aliyun_sms/", _form("", v_key_secret="", v_sign_name=""))
    assert answer.status_code == 200
    assert not ChannelAccount.objects.exists()
    assert client.get("/console/channels/new/carrier_pigeon/").status_code == 404


@pytest.mark.parametrize("who", ["wang", "chen", "sun", "li", "tang"])
def test_accounts_are_for_few(desks: Desks, enter: Enter, who: str) -> None:
    client = enter(getattr(desks, who))
    for path in ("/console/channels/", "/console/channels/new/aliyun_sms/"):
        assert client.get(path).status_code == 403
