"""My data: what is kept, a copy of it, a correction, less use, and leaving."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests.people import NOW
from tests.ui.counter.world import World
from zhike.customers import queries as customers
from zhike.kernel.access import system_viewer
from zhike.rights import operations
from zhike.rights.models import RightsRequest

pytestmark = pytest.mark.feature("B47", "C033")


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_member_reads_what_is_kept_and_takes_a_copy(zhang: Client, world: World) -> None:
    page = text_of(zhang.get("/m/me/data/"))
    assert "Purchases" in page and "accounting and tax law" in page
    assert "Make a copy" in page
    zhang.post("/m/me/data/ask/access/")
    request = RightsRequest.objects.get()
    assert "Download" in text_of(zhang.get("/m/me/data/"))
    answer = zhang.post(f"/m/me/data/{request.pk}/download/")
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert "Identity and contact/Identifiers.csv" in names
    assert answer["Content-Disposition"] == f'attachment; filename="{request.number}.zip"'
    for _ in range(4):
        zhang.post(f"/m/me/data/{request.pk}/download/")
    assert zhang.post(f"/m/me/data/{request.pk}/download/")["Location"] == "/m/me/data/"


def test_nobody_else_opens_it(zhang: Client, enter: Any, world: World) -> None:
    zhang.post("/m/me/data/ask/access/")
    request = RightsRequest.objects.get()
    other = Client(headers={"accept-language": "en", "user-agent": "another phone"})
    assert other.post(f"/m/me/data/{request.pk}/download/")["Location"].startswith("/m/login/")
    enter(other, "13900139000")
    assert other.post(f"/m/me/data/{request.pk}/download/")["Location"] == "/m/me/data/"
    assert RightsRequest.objects.get().downloads == 0


def test_a_correction_and_less_use(zhang: Client, world: World) -> None:
    assert zhang.get("/m/me/data/correct/").status_code == 200
    assert zhang.post("/m/me/data/correct/", {"note": "身份证"}).status_code == 422
    assert zhang.post("/m/me/data/correct/", {"note": "身份证", "name": "张三疯"}).status_code == 302
    request = RightsRequest.objects.get()
    assert "Waits for staff" in text_of(zhang.get("/m/me/data/"))
    zhang.post(f"/m/me/data/{request.pk}/cancel/")
    assert RightsRequest.objects.get().state == "cancelled"
    zhang.post("/m/me/data/ask/restriction/")
    assert customers.person(world.zhang.person_id).status == "restricted"
    assert "Use my data again" in text_of(zhang.get("/m/me/data/"))
    zhang.post("/m/me/data/use/")
    assert customers.person(world.zhang.person_id).status == "active"
    assert zhang.post("/m/me/data/ask/erasure/").status_code == 404


def test_leaving_tells_what_is_lost_can_be_called_off_and_then_happens(
    zhang: Client, world: World, clock: time_machine.Traveller
) -> None:
    world.buy(12_800, member=world.zhang)
    page = text_of(zhang.get("/m/me/data/close/"))
    assert "128 points" in page and "For 7 days" in page
    assert zhang.post("/m/me/data/close/", {}).status_code == 422
    zhang.post("/m/me/data/close/", {"understood": "on"})
    first = RightsRequest.objects.get()
    assert "Your account is being closed" in text_of(zhang.get("/m/me/data/"))
    zhang.post(f"/m/me/data/{first.pk}/cancel/")
    zhang.post("/m/me/data/close/", {"understood": "on"})
    second = RightsRequest.objects.latest("id")
    later = NOW + dt.timedelta(days=7, minutes=1)
    assert operations.carry_out(actor=system_viewer("rights"), request_id=second.pk, now=later)
    assert zhang.get("/m/me/")["Location"].startswith("/m/login/"), "signed out everywhere"
