"""Files of receipts: uploaded, mapped, tried, run, looked after, undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.intake import operations, queries
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty

Enter = Callable[[Viewer], Client]
TEXT = """小票号,商户编码,交易时间,商品编码,商品名称,数量,实付金额,支付方式,手机号
S1001,C001,2026-03-01 10:05,A1,拿铁咖啡,2,56.00,微信支付,13800138000
S1001,C001,2026-03-01 10:05,A2,可颂,1,18.00,微信支付,13800138000
S1002,F001,2026-03-01 11:15,B1,羊毛大衣,1,1299.00,支付宝,
S1003,X999,2026-03-01 12:00,B1,围巾,1,99.00,现金,
S1004,C001,2026-03-01 12:00,A1,拿铁咖啡,0,28.00,现金,
"""


@pytest.fixture(autouse=True)
def upload_dir(settings: Any, tmp_path: Any) -> None:
    settings.UPLOAD_DIR = tmp_path


def upload(
    browser: Client, mall_id: int, content: bytes = TEXT.encode("gb18030"), name: str = "三月.csv"
) -> Any:
    file = SimpleUploadedFile(name, content, content_type="text/csv")
    return browser.post("/console/imports/upload/", {"file": file, "mall_id": mall_id})


def run_of(answer: Any) -> UUID:
    return UUID(answer["Location"].split("/")[3])


def mapped(browser: Client, run_id: UUID, **changes: str) -> Any:
    """Send the mapping form as it was suggested, with changes."""
    form = browser.get(f"/console/imports/{run_id}/mapping/").context["form"]
    data = {field.html_name: field.value() for field in form if field.value() not in (None, False, "")}
    return browser.post(f"/console/imports/{run_id}/mapping/", {**data, "columns_sent": "1", **changes})


@pytest.mark.feature("C017")
def test_a_file_goes_from_upload_to_receipts_and_out_again(world: World, desks: Desks, admin: Client) -> None:
    run_id = run_of(upload(admin, world.malls.star))
    page = said(admin.get(f"/console/imports/{run_id}/mapping/"))
    for text in ("拿铁咖啡", "小票号", "手机号"):
        assert text in page
    assert mapped(admin, run_id)["Location"] == f"/console/imports/{run_id}/"
    assert admin.post(f"/console/imports/{run_id}/check/").status_code == 302
    operations.check(actor=desks.admin, run_id=run_id, now=clock.now())
    tried = said(admin.get(f"/console/imports/{run_id}/"))
    for text in ("可导入", "1,373.00", "开始导入"):
        assert text in tried
    before = loyalty.member_file(SYSTEM, world.zhang_san, clock.now()).balance
    admin.post(f"/console/imports/{run_id}/start/")
    operations.run(actor=desks.admin, run_id=run_id, now=clock.now())
    assert loyalty.member_file(SYSTEM, world.zhang_san, clock.now()).balance >= before
    done = said(admin.get(f"/console/imports/{run_id}/"))
    assert "撤销整次导入" in done
    assert "S1001" in said(admin.get("/console/receipts/", {"q": "S1001"}))
    admin.post(f"/console/imports/{run_id}/undo/")
    operations.undo(actor=desks.admin, run_id=run_id, now=clock.now())
    assert "S1001" not in said(admin.get("/console/receipts/", {"q": "S1001"}, headers=HTMX))
    assert loyalty.member_file(SYSTEM, world.zhang_san, clock.now()).balance == before


@pytest.mark.feature("C016")
def test_a_row_in_quarantine_is_corrected_and_replayed(world: World, desks: Desks, admin: Client) -> None:
    run_id = loaded(world, desks, admin)
    url = f"/console/imports/{run_id}/quarantine/"
    rows = {row.receipt_number: row for row in admin.get(url).context["page"].items}
    assert set(rows) == {"S1003", "S1004"}
    cells = [*rows["S1003"].cells]
    cells[1] = "F001"
    form = {f"cell_{at}": cell for at, cell in enumerate(cells)}
    admin.post(f"/console/imports/rows/{rows['S1003'].id}/", form, headers=HTMX)
    admin.post(f"{url}replay/", {"which": "ticked", "ids": [rows["S1003"].id]})
    assert "S1003" in said(admin.get("/console/receipts/", {"q": "S1003"}))
    admin.post(f"{url}discard/", {"which": "ticked", "ids": [rows["S1004"].id]})
    assert queries.run(SYSTEM, run_id).open_rows == 0


def loaded(world: World, desks: Desks, admin: Client) -> UUID:
    run_id = run_of(upload(admin, world.malls.star))
    mapped(admin, run_id)
    operations.run(actor=desks.admin, run_id=run_id, now=clock.now())
    return run_id


def test_ticking_nothing_discards_nothing(world: World, desks: Desks, admin: Client) -> None:
    run_id = loaded(world, desks, admin)
    admin.post(f"/console/imports/{run_id}/quarantine/discard/", {"which": "ticked"})
    assert queries.run(SYSTEM, run_id).open_rows == 2


def test_the_quarantine_comes_as_a_harmless_file(world: World, desks: Desks, admin: Client) -> None:
    run_id = loaded(world, desks, admin)
    answer = admin.get(f"/console/imports/{run_id}/quarantine.csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined, arg-type]
    assert "S1003" in text
    assert text.startswith("\ufeff")


@pytest.mark.parametrize(
    ("name", "content"), [("x.csv", b""), ("x.xlsx", b"PK\x03\x04 broken"), ("x.csv.gz", b"\x1f\x8b broken")]
)
def test_a_file_that_cannot_be_read_is_refused_and_forgotten(
    name: str, content: bytes, world: World, admin: Client
) -> None:
    answer = upload(admin, world.malls.star, content, name)
    assert answer.status_code == 422
    assert queries.runs(SYSTEM).items == []


def test_a_mapping_without_the_receipt_number_is_refused_at_its_field(world: World, admin: Client) -> None:
    run_id = run_of(upload(admin, world.malls.star))
    answer = mapped(admin, run_id, column_number="")
    assert answer.status_code == 422
    assert answer.context["form"].errors["column_number"]


def test_a_mapping_is_kept_used_again_and_taken_as_a_file(world: World, admin: Client) -> None:
    run_id = run_of(upload(admin, world.malls.star))
    mapped(admin, run_id, card_prefix="OLD-")
    admin.post(f"/console/imports/{run_id}/mapping/keep/", {"name": "旧系统"}, headers=HTMX)
    [kept] = queries.saved_mappings(SYSTEM)
    second = run_of(upload(admin, world.malls.star, TEXT.replace("S1", "S2").encode()))
    form = admin.get(f"/console/imports/{second}/mapping/", {"saved": kept.id}).context["form"]
    assert form["card_prefix"].value() == "OLD-"
    toml = said(admin.get(f"/console/imports/{run_id}/mapping.toml"))
    assert "OLD-" in toml
    file = SimpleUploadedFile("mapping.toml", toml.encode())
    form = admin.post(f"/console/imports/{second}/mapping/", {"mapping_file": file}).context["form"]
    assert form["card_prefix"].value() == "OLD-"
    broken = SimpleUploadedFile("mapping.toml", b"= no toml")
    assert admin.post(f"/console/imports/{second}/mapping/", {"mapping_file": broken}).status_code == 422


def test_progress_is_shown_until_the_work_is_done(world: World, admin: Client) -> None:
    run_id = run_of(upload(admin, world.malls.star))
    mapped(admin, run_id)
    admin.post(f"/console/imports/{run_id}/check/")
    assert "progress" in said(admin.get(f"/console/imports/{run_id}/progress/", headers=HTMX))
    operations.check(actor=SYSTEM, run_id=run_id, now=clock.now())
    assert admin.get(f"/console/imports/{run_id}/progress/", headers=HTMX).headers["HX-Refresh"] == "true"


@pytest.mark.feature("C029")
def test_another_malls_import_does_not_exist(world: World, desks: Desks, enter: Enter, admin: Client) -> None:
    run_id = run_of(upload(admin, world.malls.star))
    browser = enter(desks.qian)
    assert browser.get(f"/console/imports/{run_id}/").status_code == 404
    assert browser.post(f"/console/imports/{run_id}/start/").status_code == 403
    assert queries.run(SYSTEM, run_id).state == "uploaded"
    assert upload(browser, world.malls.star).status_code == 403
