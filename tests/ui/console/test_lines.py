"""The ways in for customers in the console: a mailbox opened and looked into, an e-mail in the inbox, an answer that did not arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.integrations.vendors import open_account
from tests.people import hire
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import make_key
from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.integrations.mailbox.emulator import MailEmulator, letter
from zhike.integrations.wechat_mp.emulator import AES_KEY, APP_ID, SECRET, TOKEN
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry
from zhike.service import operations as service
from zhike.service.models import Carriage, Conversation, Line
from zhike.simulator import mail as simulated
from zhike.simulator.wechat import open_demo_wechat

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C176", "C177")


def test_a_mailbox_is_opened_and_what_comes_is_answered(
    enter: Enter, desks: Desks, world: World, settings: Any, tmp_path: Path
) -> None:
    settings.MAIL_NETWORKS, settings.UPLOAD_DIR = ["127.0.0.0/8"], tmp_path
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    admin, sun = enter(desks.admin), enter(desks.sun)
    assert "目前只有会员端" in said(admin.get("/console/inbox/lines/"))
    assert sun.get("/console/inbox/lines/").status_code == 403
    with MailEmulator() as server:
        form = {f"v_{name}": value for name, value in server.settings().items()}
        form |= {"name": "客服邮箱", "mall_id": str(world.malls.star), "is_active": "on"}
        address = "/console/inbox/lines/new/email/"
        assert "收信服务器" in said(admin.get(address))
        assert "填写有误" in said(admin.post(address, form | {"v_address": "x"}))
        assert admin.post(address, form).status_code == 302
        line = Line.objects.get()
        for _look in range(2):
            assert admin.post(f"/console/inbox/lines/{line.pk}/check/").status_code == 302
        shown = said(admin.get("/console/inbox/lines/"))
        assert "客服邮箱" in shown and "已加密保存" in shown and "demo-password" not in shown
        assert "v_password" in said(admin.get(f"/console/inbox/lines/{line.pk}/"))
        server.post.deliver(
            letter("访客", "guest@example.org", "停车费", "停车怎么收费？", "<1@example.org>")
        )
        server.post.refused["guest@example.org"] = "550 5.1.1 no such user"
        service.listen_to_lines(actor=SYSTEM, now=world.now)
        number = Conversation.objects.get().number
        assert "邮件" in said(sun.get("/console/inbox/?queue=all"))
        shown = said(sun.get(f"/console/inbox/{number}/"))
        assert "停车费" in shown and "已验证" in shown and "guest@example.org" not in shown
        sun.post(f"/console/inbox/{number}/send/", {"text": "每小时 5 元", "audience": "member"})
        assert sun.post(f"/console/inbox/{number}/typing/").status_code == 204
        service.carry_answers(actor=SYSTEM, now=clock.now())
        shown = said(sun.get(f"/console/inbox/{number}/"))
        assert "未发出" in shown and "550" in shown and "重新发送" in shown
        server.post.refused.clear()
        message = Carriage.objects.get().number
        assert sun.post(f"/console/inbox/{number}/repeat/{message}/").status_code == 302
        service.carry_answers(actor=SYSTEM, now=clock.now())
        assert Carriage.objects.get().status == "sent" and len(server.post.sent) == 1
        assert "已发出" in said(sun.get(f"/console/inbox/{number}/parts/"))
        wrong = form | {"v_password": "wrong"}
        assert admin.post(f"/console/inbox/lines/{line.pk}/", wrong).status_code == 302
        admin.post(f"/console/inbox/lines/{line.pk}/check/")
        assert "出现问题" in said(admin.get("/console/inbox/lines/"))
    kinds = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"line.save", "line.check", "conversation.repeat"} <= kinds
    found = ApiClient(make_key(["tickets.view"])).get(f"/api/v1/conversations/{number}").json
    assert found["channel"] == "email"
    assert [one["status"] for one in found["deliveries"]] == ["sent"]


def test_a_wechat_account_is_chosen_not_typed(enter: Enter, desks: Desks, world: World) -> None:
    admin = enter(desks.admin)
    address = "/console/inbox/lines/new/wechat/"
    form = {"name": "公众号", "mall_id": str(world.malls.star), "is_active": "on"}
    assert admin.post(address, form | {"account_id": "1"}).status_code == 200
    account = open_account(
        "https://api.weixin.qq.com",
        "wechat_mp",
        name="公众号",
        values={"app_id": APP_ID, "app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY},
    )
    assert "公众号" in said(admin.get(address))
    assert admin.post(address, form | {"account_id": str(account)}).status_code == 302
    shown = said(admin.get("/console/inbox/lines/"))
    assert "微信公众号" in shown and SECRET not in shown and "立即读取" not in shown
    assert "已用于其他接入渠道" in said(
        admin.post(address, form | {"name": "二", "account_id": str(account)})
    )


def test_the_demonstration_has_wechat_talks(world: World) -> None:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    hire(world.malls, "service", "孙悦", ("service_agent", "mall", world.malls.star))
    values = {"app_id": APP_ID, "app_secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
    open_demo_wechat(values | {"endpoint": "http://127.0.0.1:1"}, world.now)
    assert Conversation.objects.filter(channel="wechat").count() == 3
    assert Carriage.objects.count() == 1


def test_the_demonstration_has_e_mails(world: World) -> None:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    hire(world.malls, "service", "孙悦", ("service_agent", "mall", world.malls.star))
    assert simulated.seed_mail(SYSTEM, world.malls.star, world.now) == 9
    assert simulated.seed_mail(SYSTEM, world.malls.star, world.now) == 0
    simulated.open_demo_mail({"imap_port": "2", "smtp_port": "1"} | simulated.PLACEHOLDER, world.now)
    assert Line.objects.get().is_active and Line.objects.get().settings["imap_port"] == "2"
    assert Conversation.objects.filter(channel="email").count() == 5
