"""Staff look at photographed receipts: the queue, the picture beside what was written, yes with corrections, no with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from tests.loyalty.photos import photograph
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.loyalty import operations, queries
from zhike.loyalty.models import PhotoClaim

pytestmark = pytest.mark.feature("B07")
Enter = Callable[[Viewer], Client]


@pytest.fixture(autouse=True)
def uploads_here(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path


def hand_in(world: World, number: str, fen: int = 8_800, member: int = 0, picture: int = 1) -> UUID:
    paper = operations.PaperReceipt(world.malls.cafe, number, world.now.date(), fen)
    return operations.hand_in_photo(
        actor=SYSTEM, member_id=member or world.zhang_san, picture=photograph(picture), paper=paper, now=world.now
    ).claim_id  # fmt: skip


def form(world: World, **changes: str) -> dict[str, str]:
    given = {
        "merchant": str(world.malls.cafe), "number": "P1", "till": "", "business_date": world.now.date().isoformat(),
        "bought_at": "", "net_fen": "88.00",
    }  # fmt: skip
    return given | changes


def test_yes_with_corrections(world: World, desks: Desks, enter: Enter) -> None:
    first, copied = hand_in(world, "P1"), hand_in(world, "P2", member=world.li_si)
    sun = enter(desks.sun)
    page = said(sun.get("/console/receipts/photos/"))
    assert "P1" in page and "同一张照片提交过" in page
    url = f"/console/receipts/photos/{first}/"
    assert sun.get(f"{url}picture/")["Content-Type"] == "image/jpeg"
    assert f"{url}picture/" in sun.get(f"/console/receipts/photos/{copied}/").content.decode()
    assert sun.post(url, form(world, net_fen="x")).status_code == 422
    before = queries.member_file(SYSTEM, world.zhang_san, world.now).balance
    done = sun.post(url, form(world, number="P9", net_fen="50.00", bought_at="11:30"))
    assert done["Location"] == f"/console/receipts/photos/{copied}/", "the next one waits"
    row = PhotoClaim.objects.get(id=first)
    assert (row.state, row.number, row.net_fen) == ("given", "P9", 5_000)
    assert queries.member_file(SYSTEM, world.zhang_san, world.now).balance > before
    page = said(sun.get(url))
    assert "P1" in page and "已更正" in page
    assert "P9" in said(sun.get("/console/receipts/photos/?queue=given", headers=HTMX))


def test_no_with_a_reason_and_two_pairs_of_eyes(world: World, desks: Desks, enter: Enter) -> None:
    sun, wang = enter(desks.sun), enter(desks.wang)
    claim = hand_in(world, "P3", 300_000)
    url = f"/console/receipts/photos/{claim}/"
    assert sun.get(f"{url}refuse/", headers=HTMX).status_code == 200
    assert sun.post(f"{url}refuse/", {"reason": "other"}, headers=HTMX).status_code == 422
    sun.post(url, form(world, number="P3", net_fen="3000"))
    assert PhotoClaim.objects.get().state == "second"
    assert "须由另一位有大额复核权限的同事决定" in sun.get(url).content.decode()
    assert "待复核" in said(wang.get("/console/receipts/photos/"))
    wang.post(f"{url}refuse/", {"reason": "altered", "note": "金额被涂改"}, headers=HTMX)
    row = PhotoClaim.objects.get()
    assert (row.state, row.reason) == ("refused", "altered")
    assert "金额被涂改" in said(wang.get(url))
    assert wang.post(url, form(world, number="P3", net_fen="3000")).status_code == 422


def test_neighbours_and_tills_see_none(world: World, desks: Desks, enter: Enter) -> None:
    claim = hand_in(world, "P1")
    qian = enter(desks.qian)
    assert qian.get(f"/console/receipts/photos/{claim}/").status_code == 404
    assert qian.get(f"/console/receipts/photos/{claim}/picture/").status_code == 404
    assert "P1" not in qian.get("/console/receipts/photos/").content.decode()
    assert qian.post(f"/console/receipts/photos/{claim}/", form(world)).status_code == 404
    assert PhotoClaim.objects.get().state == "waiting"
