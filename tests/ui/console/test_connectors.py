"""Connectors in the console: made, given credentials, watched, and what waits replayed."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.world import Desks, World
from zhike.intake import operations, queries
from zhike.intake.operations import TillDayTotal, TillLine, TillReceipt, TillTender
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.sales.models import Receipt

pytestmark = pytest.mark.feature("C016", "C017")
Enter = Callable[[Viewer], Client]


def day(world: World) -> dt.date:
    """Yesterday, so that no hour of it lies ahead."""
    return clock.business_date(world.now - dt.timedelta(days=1), "Asia/Shanghai")


def said(world: World, number: str, tender: str = "CH", till: str = "07") -> TillReceipt:
    return TillReceipt(
        store="C001", mall="XHC", till=till, number=number, kind="SA", day=f"{day(world):%Y%m%d}", time="103000",
        net="28.00", lines=(TillLine("LATTE", "拿铁", "1", "28.00", "28.00"),), tenders=(TillTender(tender, "28.00"),),
    )  # fmt: skip


@pytest.fixture
def connector_id(world: World, desks: Desks) -> int:
    return operations.create_till_connector(
        actor=desks.admin, mall_id=world.malls.star, name="商户收银上传", now=world.now
    )


@pytest.fixture
def session(world: World, desks: Desks, connector_id: int) -> queries.TillSession:
    _id, username, password = operations.create_credential(
        actor=desks.admin, connector_id=connector_id, merchant_id=world.malls.cafe, now=world.now
    )
    found = queries.till_of(username, password, world.now)
    assert found is not None
    return found


def upload(world: World, session: queries.TillSession, *receipts: TillReceipt) -> None:
    for one in receipts:
        operations.take_upload(actor=session.viewer, session=session, said=one, now=world.now)


def test_connector_is_made_and_a_password_shown_once(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.admin)
    assert "还没有对接" in browser.get("/console/connectors/").content.decode()
    assert browser.get("/console/connectors/new/").status_code == 200
    form = {"name": "商户收银上传", "mall_id": world.malls.star}
    address = browser.post("/console/connectors/new/", form)["Location"]
    assert "已有同名" in browser.post("/console/connectors/new/", form).content.decode()
    assert browser.get(f"{address}credentials/new/").status_code == 200
    shown = browser.post(
        f"{address}credentials/new/", {"merchant_id": world.malls.cafe, "tills": "01，02"}
    ).content.decode()
    codes = re.findall(r"<code[^>]*>([^<]+)</code>", shown)
    username, password = codes[1], codes[2]
    assert queries.till_of(username, password, world.now) is not None
    page = browser.get(address).content.decode()
    assert username in page and password not in page and "01, 02" in page
    assert "商户收银上传" in browser.get("/console/connectors/").content.decode()


def test_password_is_rotated_tills_changed_and_credential_revoked(
    world: World, desks: Desks, enter: Enter, connector_id: int, session: queries.TillSession
) -> None:
    browser = enter(desks.admin)
    base = f"/console/connectors/credentials/{session.credential_id}"
    assert 'name="overlap_hours"' in browser.get(f"{base}/rotate/").content.decode()
    assert "现在复制密码" in browser.post(f"{base}/rotate/", {"overlap_hours": "72"}).content.decode()
    assert "两个密码都有效" in browser.get(f"/console/connectors/{connector_id}/").content.decode()
    assert browser.post(f"{base}/tills/", {"tills": "01, 07"}).status_code == 302
    assert queries.credential(desks.admin, session.credential_id, world.now).tills == ["01", "07"]
    assert browser.post(f"{base}/revoke/").status_code == 302
    assert "已吊销" in browser.get(f"/console/connectors/{connector_id}/").content.decode()


def test_day_is_reconciled_and_what_waits_is_replayed(
    world: World, desks: Desks, enter: Enter, connector_id: int, session: queries.TillSession
) -> None:
    browser = enter(desks.admin)
    upload(world, session, said(world, "A1"), said(world, "A1"), said(world, "A2", "WX"))
    total = TillDayTotal("C001", "XHC", "07", f"{day(world):%Y%m%d}", "56.00", "0", "2")
    operations.declare_day(actor=session.viewer, session=session, said=total, now=world.now)
    page = browser.get(f"/console/connectors/{connector_id}/").content.decode()
    assert "缺 1 笔" in page and "¥28.00" in page
    waiting = f"/console/connectors/{connector_id}/waiting/"
    rows = browser.get(waiting).content.decode()
    assert "A2" in rows and "付款代码未登记" in rows
    assert (
        "A2" not in browser.get(f"{waiting}?reason=bad-date", headers={"HX-Request": "true"}).content.decode()
    )
    settings = f"/console/connectors/{connector_id}/settings/"
    dialog = {"HX-Request": "true"}
    assert "CH = cash" in browser.get(settings, headers=dialog).content.decode()
    bad = {
        "name": "商户收银上传",
        "is_on": "on",
        "tenders": "WX: wechat",
        "unknown_member": "without",
        "mall_number": "xhc",
    }
    assert "WX: wechat" in browser.post(settings, bad, headers=dialog).content.decode()
    browser.post(settings, bad | {"tenders": "CH = cash\nWX = wechat"})
    browser.post(f"{waiting}replay/", {"which": "all"})
    assert Receipt.objects.filter(number="A2").exists()
    assert "相符" in browser.get(f"/console/connectors/{connector_id}/").content.decode()
    upload(world, session, said(world, "A3", "ZZ"))
    (open_row,) = queries.waiting_uploads(desks.admin, connector_id).items
    browser.post(f"{waiting}discard/", {"which": "ticked", "ids": [str(open_row.id)]})
    assert "A3" in browser.get(f"{waiting}?status=discarded").content.decode()
    assert not Receipt.objects.filter(number="A3").exists()


def test_folder_is_watched_and_its_files_listed(
    world: World, desks: Desks, enter: Enter, tmp_path: Path, settings: Any
) -> None:
    settings.INBOX_DIR, settings.UPLOAD_DIR = tmp_path / "inbox", tmp_path / "uploads"
    (tmp_path / "inbox" / "pos").mkdir(parents=True)
    browser = enter(desks.admin)
    for kind in ("", "folder/", "database/"):
        assert browser.get(f"/console/connectors/new/{kind}").status_code == 200
    form = {"name": "每日收银文件", "mall_id": world.malls.star, "folder": "../x", "every_minutes": "60"}
    assert "收件目录" in browser.post("/console/connectors/new/folder/", form).content.decode()
    address = browser.post("/console/connectors/new/folder/", form | {"folder": "pos"})["Location"]
    assert "还没有抓取" in browser.get(address).content.decode()
    number = int(address.rstrip("/").rpartition("/")[2])
    bad = tmp_path / "inbox" / "pos" / "坏文件.csv"
    bad.write_bytes(b"\x00\x01")
    os.utime(bad, ((world.now - dt.timedelta(hours=1)).timestamp(),) * 2)
    worker = system_viewer("intake")
    assert operations.fetch(actor=worker, connector_id=number, now=world.now) == 0
    page = browser.get(address).content.decode()
    assert "坏文件.csv" in page and "上一次失败" in page
    text = f"小票号,商户编码,收银机号,交易时间,商品编码,数量,实付金额\nF1,C001,03,{day(world)} 10:30:00,LATTE,1,28.00\n"
    bad.write_text(text)
    os.utime(bad, ((world.now - dt.timedelta(minutes=30)).timestamp(),) * 2)
    assert operations.fetch(actor=worker, connector_id=number, now=world.now + dt.timedelta(hours=1)) == 1
    page = browser.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "相符" in page and "<html" not in page
    dialog = {"HX-Request": "true"}
    assert "每日收银文件" in browser.get(f"{address}settings/", headers=dialog).content.decode()
    assert browser.post(f"{address}fetch/").status_code == 302
    browser.post(f"{address}settings/", {"name": "停用的文件夹", "every_minutes": "30"})
    assert "停用的文件夹" in browser.get("/console/connectors/").content.decode()
    assert browser.post(f"{address}fetch/").status_code == 302


def test_database_is_connected_and_its_address_never_shown(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.admin)
    form = {
        "name": "ERP", "mall_id": world.malls.star, "url": "postgresql+psycopg://erp:geheim@127.0.0.1:1/erp",
        "query": "DELETE FROM x", "watermark_column": "id", "every_minutes": "30",
    }  # fmt: skip
    refused = browser.post("/console/connectors/new/database/", form).content.decode()
    assert "SELECT" in refused and "geheim" not in refused
    address = browser.post("/console/connectors/new/database/", form | {"query": "SELECT id FROM x"})[
        "Location"
    ]
    page = browser.get(address).content.decode()
    assert "SELECT id FROM x" in page and "geheim" not in page
