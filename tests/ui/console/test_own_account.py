"""One's own account: the password and the second factor change only for who knows the password."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.people import PASSWORD, Malls, hire
from zhike.kernel import clock
from zhike.kernel.models import AuditEntry
from zhike.organization.models import Staff

NEW = "another calm mountain"
LOG_IN = {"username": "xu", "password": PASSWORD}


@pytest.fixture
def xu(malls: Malls, client: Client) -> Client:
    hire(malls, "xu", "徐收银", ("cashier", "merchant", malls.cafe), password=PASSWORD)
    answer = client.post("/console/login/", LOG_IN)
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


def heading(client: Client) -> str:
    page = client.get("/console/account/").content.decode()
    return page[page.index("<title>") : page.index("</title>")]


@pytest.mark.feature("N4")
def test_the_language_holds_from_now_on_and_at_the_next_log_in(xu: Client) -> None:
    assert "我的账号" in heading(xu)
    answer = xu.post("/console/account/language/", {"language": "en"}, follow=True)
    assert "Saved." in answer.content.decode(), "the answer itself is in the language chosen"
    assert "My account" in heading(xu)
    assert AuditEntry.objects.latest("id").after == {"language": "en"}

    elsewhere = Client()
    elsewhere.post("/console/login/", LOG_IN)
    assert "My account" in heading(elsewhere), "another browser follows at its next log-in"
    elsewhere.post("/console/account/language/", {"language": "zh-hant"})
    assert "我的賬號" in heading(elsewhere)
    assert "My account" in heading(xu), "the one that is open keeps what it shows"
    elsewhere.post("/console/account/language/", {"language": ""})
    guest = Client(headers={"accept-language": "en"})
    guest.post("/console/login/", LOG_IN)
    assert "My account" in heading(guest), "none chosen: as the browser says"


@pytest.mark.feature("N4")
def test_a_language_that_is_not_spoken_is_refused(xu: Client) -> None:
    before = AuditEntry.objects.count()
    assert xu.post("/console/account/language/", {"language": "tlh"}).status_code == 422
    assert Staff.objects.get(username="xu").language == ""
    assert AuditEntry.objects.count() == before


def test_the_switch_in_the_menu_changes_this_browser_only(xu: Client) -> None:
    answer = xu.post("/i18n/setlang/", {"language": "en", "next": "/console/account/"})
    assert answer.headers["Location"] == "/console/account/"
    assert "My account" in heading(xu)
    assert Staff.objects.get(username="xu").language == ""
