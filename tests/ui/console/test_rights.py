"""The rights desk: requests by deadline, one request, the catalogue, retention."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.test import Client

from tests.rights.conftest import SYSTEM
from tests.ui.console.conftest import said
from tests.ui.console.world import Desks, World
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.loyalty.models import Account
from zhike.rights import operations, queries
from zhike.rights.models import RightsRequest
from zhike.ui.cli import rights as cli

pytestmark = pytest.mark.feature("C033", "C032")


def taken_down(client: Client, member_id: int, **fields: str) -> int:
    address = f"/console/members/{member_id}/rights/new/"
    assert client.get(address, headers={"hx-request": "true"}).status_code == 200
    answer = client.post(
        address, {"note": "来电，已核对", "once": "k1"} | fields, headers={"hx-request": "true"}
    )
    assert answer.headers.get("HX-Redirect") == "/console/rights/", answer.content.decode()
    return RightsRequest.objects.latest("id").pk


def test_a_correction_from_desk_to_profile(
    world: World, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    sun = enter(desks.sun)
    request_id = taken_down(sun, world.zhang_san, kind="correction", name="张三丰")
    listed = said(sun.get("/console/rights/"))
    assert "更正" in listed and "张三" in listed
    page = said(sun.get(f"/console/rights/{request_id}/"))
    assert "15 个工作日" in page and "周末" in page
    assert sun.get(f"/console/rights/{request_id}/approve/").status_code == 200
    sun.post(f"/console/rights/{request_id}/approve/", {"note": "身份证", "once": "k2"})
    person_id = loyalty.person_id_of(world.zhang_san)
    assert customers.person(person_id).name == "张三丰"
    assert "身份证" in said(sun.get(f"/console/rights/{request_id}/"))
    assert "DSR" in said(
        sun.get("/console/rights/?queue=done&kind=correction", headers={"hx-request": "true"})
    )


def test_an_erasure_needs_a_second_person_and_ends_in_a_certificate(
    world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client, tmp_path: Path
) -> None:
    wang = enter(desks.wang)
    request_id = taken_down(wang, world.zhang_san, kind="erasure")
    page = said(wang.get(f"/console/rights/{request_id}/"))
    assert "须由第二人批准" in page and "批准并删除" not in page
    assert "批准并删除" in said(admin.get(f"/console/rights/{request_id}/"))
    assert wang.get(f"/console/rights/{request_id}/certificate/").status_code == 404
    admin.post(f"/console/rights/{request_id}/approve/", {"note": "", "once": "k3"})
    row = RightsRequest.objects.get(pk=request_id)
    operations.carry_out(actor=SYSTEM, request_id=request_id, now=row.runs_at)
    page = said(wang.get(f"/console/rights/{request_id}/"))
    assert "删除证明" in page and "会计与税务法规" in page and "已删除的客户" in page
    answer = wang.get(f"/console/rights/{request_id}/certificate/")
    whole = json.loads(answer.content)
    assert whole["document"]["totals"]["delete"] > 0
    assert queries.verdict_on(whole) == ""
    file = tmp_path / "certificate.json"
    file.write_bytes(answer.content)
    assert "genuine" in CliRunner().invoke(cli.rights, ["verify", str(file)]).output
    whole["document"]["totals"]["delete"] = 0
    file.write_text(json.dumps(whole), "utf-8")
    forged = CliRunner().invoke(cli.rights, ["verify", str(file)])
    assert (forged.exit_code, "changed" in forged.output) == (1, True)
    assert "DSR" in CliRunner().invoke(cli.rights, ["requests", "--queue", "all"]).output


def test_refusing_calling_off_and_lifting(
    world: World, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    wang = enter(desks.wang)
    first = taken_down(wang, world.zhang_san, kind="correction", name="别人")
    assert wang.get(f"/console/rights/{first}/refuse/").status_code == 200
    wang.post(f"/console/rights/{first}/refuse/", {"reason": "证件不符", "once": "k4"})
    second = taken_down(wang, world.zhang_san, kind="correction", name="张山", once="k5")
    wang.post(f"/console/rights/{second}/cancel/")
    states = [RightsRequest.objects.get(pk=one).state for one in (first, second)]
    assert states == ["refused", "cancelled"]
    taken_down(wang, world.zhang_san, kind="restriction", once="k6")
    person_id = loyalty.person_id_of(world.zhang_san)
    assert customers.person(person_id).status == "restricted"
    assert "信息处理受限" in said(wang.get(f"/console/members/{world.zhang_san}/"))
    wang.post(f"/console/members/{world.zhang_san}/rights/lift/")
    assert customers.person(person_id).status == "active"


def test_what_must_be_settled_is_said_at_the_desk(
    world: World, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    Account.objects.filter(member_id=world.zhang_san).update(balance=0, debt=1_200)
    wang = enter(desks.wang)
    body = {"kind": "erasure", "note": "来信", "once": "k9"}
    answer = wang.post(
        f"/console/members/{world.zhang_san}/rights/new/", body, headers={"hx-request": "true"}
    )
    assert (answer.status_code, "欠 1,200 积分" in said(answer)) == (422, True)
    assert not RightsRequest.objects.exists()


def test_strangers_see_nothing(world: World, desks: Desks, enter: Callable[[Viewer], Client]) -> None:
    request_id = taken_down(enter(desks.sun), world.zhang_san, kind="access")
    qian = enter(desks.qian)
    assert qian.get(f"/console/rights/{request_id}/").status_code == 404
    assert qian.get(f"/console/members/{world.zhang_san}/rights/new/").status_code == 404
    assert enter(desks.li).get("/console/rights/").status_code == 403


def test_catalogue_and_retention(
    world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client
) -> None:
    assert "customers_identifier" in said(admin.get("/console/rights/catalogue/"))
    assert "聊天" in said(admin.get("/console/rights/retention/"))
    operations.purge(actor=SYSTEM, now=world.now)
    assert "没有到期数据" in said(admin.get("/console/rights/retention/"))
    assert admin.get("/console/rights/retention/chats/").status_code == 200
    admin.post("/console/rights/retention/chats/", {"days": "400", "note": "新策略", "once": "k7"})
    assert {one.code: one.days for one in queries.classes(SYSTEM)}["chats"] == 400
    refused = admin.post("/console/rights/retention/chats/", {"days": "3", "once": "k8"})
    assert refused.status_code == 422
    assert enter(desks.sun).get("/console/rights/retention/chats/").status_code == 403
