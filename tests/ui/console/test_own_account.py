"""One's own account: the password and the second factor change only for who knows the password."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.people import PASSWORD, Malls, hire
from zhike.kernel import clock
from zhike.organization.models import Staff

NEW = "another calm mountain"


@pytest.fixture
def xu(malls: Malls, client: Client) -> Client:
    hire(malls, "xu", "徐收银", ("cashier", "merchant", malls.cafe), password=PASSWORD)
    answer = client.post("/console/login/", {"username": "xu", "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return client


def change(client: Client, current: str) -> int:
    fields = {"current_password": current, "password": NEW, "again": NEW}
    return client.post("/console/account/password/", fields).status_code


def test_new_password_needs_the_old_one(xu: Client) -> None:
    assert xu.get("/console/account/").status_code == 200
    assert change(xu, "guess") == 422
    assert change(xu, "") == 422
    assert Staff.objects.get(username="xu").check_password(PASSWORD)
    assert change(xu, PASSWORD) == 302
    assert Staff.objects.get(username="xu").check_password(NEW)
    assert xu.get("/console/account/").status_code == 200, "this session goes on"


def test_second_factor_is_turned_off_with_the_password(xu: Client) -> None:
    Staff.objects.filter(username="xu").update(totp_secret=b"x", totp_confirmed_at=clock.now())
    page = xu.get("/console/account/").content.decode()
    assert 'id="id_off_current_password"' in page
    assert xu.post("/console/account/totp/off/", {"current_password": "guess"}).status_code == 422
    assert Staff.objects.get(username="xu").totp_confirmed_at is not None
    assert xu.post("/console/account/totp/off/", {"current_password": PASSWORD}).status_code == 302
    assert Staff.objects.get(username="xu").totp_confirmed_at is None
