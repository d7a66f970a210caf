"""A member photographs a receipt, follows it and takes it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.loyalty.photos import photograph
from tests.people import NOW
from tests.ui.counter.world import LI_PHONE, World, token_of
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import PhotoClaim
from zhike.sales.models import Receipt

pytestmark = pytest.mark.feature("B07")
SYSTEM = system_viewer("tests")
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def uploads_here(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path


def send(client: Client, world: World, picture: bytes | None = None, **changes: Any) -> Any:
    headers = changes.pop("headers", {})
    token = changes.pop("token", None) or token_of(client.get("/m/receipts/photos/new/"))
    content = photograph(1) if picture is None else picture
    form = {
        "token": token, "merchant": str(world.malls.cafe), "number": "K-77", "business_date": NOW.date().isoformat(),
        "amount": "88.00", "taken": SimpleUploadedFile("x.png", content),
    }  # fmt: skip
    return client.post("/m/receipts/photos/new/", form | changes, headers=headers)


def test_sent_followed_and_refused(zhang: Client, world: World) -> None:
    assert "/m/receipts/photos/new/" in zhang.get("/m/receipts/claim/").content.decode()
    assert zhang.get("/m/receipts/photos/").status_code == 200
    token = token_of(zhang.get("/m/receipts/photos/new/"))
    sent = [send(zhang, world, token=token) for _ in range(2)]
    claim = PhotoClaim.objects.get()
    url = f"/m/receipts/photos/{claim.pk}/"
    assert [one["Location"] for one in sent] == [url, url], "a double tap is one claim"
    assert claim.net_fen == 8_800
    assert zhang.get(f"{url}picture/")["Content-Type"] == "image/jpeg"
    page = zhang.get(url).content.decode()
    assert "Being looked at" in page and f"{url}picture/" in page
    loyalty.refuse_photo(actor=SYSTEM, claim_id=claim.pk, reason="unreadable", note="日期看不清", now=NOW)
    page = zhang.get(url).content.decode()
    assert "日期看不清" in page and "The photo cannot be read" in page
    assert "K-77" in zhang.get("/m/receipts/photos/", headers=HTMX).content.decode()


def test_what_is_wrong_is_said_beside_the_form(zhang: Client, world: World) -> None:
    for wrong in (
        {"picture": b"no picture"},
        {"amount": "0"},
        {"taken": ""},
        {"merchant": "x"},
        {"bought_at": "27:00"},
    ):
        answer = send(zhang, world, headers=HTMX, **wrong)
        assert answer.status_code == 422, wrong
        assert 'id="photo-faults"' in answer.content.decode()
    assert send(zhang, world, b"no picture").status_code == 422
    assert not PhotoClaim.objects.exists()
    over = send(zhang, world, headers=HTMX)
    assert over["HX-Redirect"] == f"/m/receipts/photos/{PhotoClaim.objects.get().pk}/"


def test_only_ones_own_and_taken_back(zhang: Client, world: World, enter: Any) -> None:
    send(zhang, world)
    claim = PhotoClaim.objects.get()
    url = f"/m/receipts/photos/{claim.pk}/"
    other = Client(headers={"accept-language": "en"})
    enter(other, LI_PHONE)
    assert [other.get(one).status_code for one in (url, f"{url}picture/")] == [404, 404]
    assert other.post(f"{url}withdraw/").status_code == 404
    assert zhang.post(f"{url}withdraw/").status_code == 302
    claim.refresh_from_db()
    assert (claim.state, claim.path) == ("withdrawn", "")
    assert zhang.get(f"{url}picture/").status_code == 404
    assert zhang.get(url).status_code == 200


def test_a_receipt_the_till_sent_is_given_and_shown(zhang: Client, world: World) -> None:
    bought = world.buy(8_800)
    receipt = Receipt.objects.get(id=bought.receipt_id)
    send(
        zhang,
        world,
        merchant=str(receipt.merchant_id),
        number=receipt.number,
        business_date=receipt.business_date.isoformat(),
    )
    claim = PhotoClaim.objects.get()
    assert (claim.state, claim.receipt_id) == ("given", receipt.pk)
    assert "Points given" in zhang.get(f"/m/receipts/photos/{claim.pk}/").content.decode()
