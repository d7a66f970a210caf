"""Balances of another system by the console: tried first, brought in once, each refused row with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.intake import operations
from zhike.intake.models import BalanceMove
from zhike.intake.operations import moving
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.loyalty.models import Transfer

pytestmark = pytest.mark.feature("B14")
LIST = "/console/imports/balances/"
FILE = "手机号,积分,到期日\n13800138000,300,2099-03-31\n13800138000,200,2099-06-30\n15912345678,50,\n13800138000,很多,\n"


@pytest.fixture(autouse=True)
def kept(settings: Any, tmp_path: Path) -> Callable[[], int]:
    """How many files are kept."""
    settings.UPLOAD_DIR = tmp_path
    return lambda: len(list((tmp_path / "intake").iterdir()))


def send(browser: Client, text: str = FILE, batch: str = "cutover-2026") -> Any:
    file = SimpleUploadedFile("旧系统余额.csv", text.encode(), content_type="text/csv")
    return browser.post(f"{LIST}upload/", {"file": file, "batch": batch})


def test_tried_then_brought_in_and_never_twice(world: World, admin: Client, kept: Callable[[], int]) -> None:
    assert "还没有导入过余额" in said(admin.get(LIST))
    address = send(admin)["Location"]
    assert "导入 500 积分" in said(admin.get(address))
    assert not Transfer.objects.filter(reason="opening").exists()
    assert kept() == 1

    for _ in range(2):
        admin.post(f"{address}bring-in/")
    row = BalanceMove.objects.get()
    assert row.state == "done" and row.counts is not None
    assert [row.counts[name] for name in ("brought", "points", "refusals")] == [2, 500, 2]
    assert sorted(Transfer.objects.filter(reason="opening").values_list("points", flat=True)) == [200, 300]
    assert kept() == 0
    page = said(admin.get(address))
    for text in ("没有使用此手机号或卡号的会员", "积分不是整数"):
        assert text in page, page

    again = send(admin)["Location"]
    assert BalanceMove.objects.latest("created_at").checked["already"] == 2  # type: ignore[index]
    admin.post(f"{again}discard/")
    assert (BalanceMove.objects.count(), kept()) == (1, 0)
    assert "旧系统余额.csv" in said(admin.get(LIST))
    assert loyalty.verify_ledger().is_clean


def test_a_long_file_is_for_a_worker_and_may_fail(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(moving, "INLINE_ROWS", 1)
    address = send(admin)["Location"]
    move_id = BalanceMove.objects.get(state="checking").pk
    assert "every 2s" in admin.get(address).content.decode()
    assert "正在试跑" in said(admin.get(f"{address}progress/"))
    operations.work_on_move(actor=SYSTEM, move_id=move_id, now=world.now)
    assert admin.get(f"{address}progress/")["HX-Refresh"] == "true"
    (tmp_path / BalanceMove.objects.get().path).unlink()
    admin.post(f"{address}bring-in/")
    assert BalanceMove.objects.get().state == "running"
    operations.work_on_move(actor=SYSTEM, move_id=move_id, now=world.now)
    row = BalanceMove.objects.get()
    assert row.state == "failed" and row.failure in said(admin.get(address))
    assert not Transfer.objects.filter(reason="opening").exists()


def test_what_cannot_be_and_who_may_not(
    desks: Desks, admin: Client, enter: Callable[[Viewer], Client], kept: Callable[[], int]
) -> None:
    for answer in (send(admin, "货号,价格\nA,1\n"), send(admin, batch="a b"), send(admin, "")):
        assert answer.status_code == 422
    assert not BalanceMove.objects.exists()
    address = send(admin)["Location"]
    for colleague in (desks.wang, desks.li, desks.tang):
        browser = enter(colleague)
        assert send(browser).status_code in (403, 422)
        assert browser.post(f"{address}bring-in/").status_code in (302, 403)
        assert browser.post(f"{address}discard/").status_code in (302, 403)
        assert 'type="file"' not in browser.get(LIST).content.decode()
    assert (BalanceMove.objects.get().state, kept()) == ("checked", 1)
