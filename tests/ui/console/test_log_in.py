"""Logging in with one factor and with two, and what ends a session."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from django.core.cache import cache
from django.test import Client

from tests.people import PASSWORD
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import Desks, World, build_desks
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.organization import queries
from zhike.organization.models import StaffSession
from zhike.organization.operations import sessions, staff
from zhike.ui.console import urls

LOG_IN = "/console/login/"
Enter = Callable[[Viewer], Client]


@pytest.fixture
def desks(world: World) -> Desks:
    """Hired before they come to the door."""
    desks = build_desks(world.malls, world.now)
    desks.all()
    return desks


def test_a_stranger_is_sent_to_the_log_in_page_and_back(client: Client, desks: Desks) -> None:
    asked = client.get("/console/members/?q=张")
    assert asked.status_code == 302
    assert asked["Location"].startswith("/console/login/?next=%2Fconsole%2Fmembers%2F")
    entered = client.post(
        asked["Location"], {"username": "admin", "password": PASSWORD, "next": "/console/members/"}
    )
    assert entered["Location"] == "/console/members/"
    assert client.get("/console/members/").status_code == 200


def test_a_wrong_password_says_so_and_opens_nothing(client: Client, desks: Desks) -> None:
    answer = client.post(LOG_IN, {"username": "admin", "password": "wrong"})
    assert "用户名" in said(answer)
    assert PASSWORD not in said(answer)
    assert client.get("/console/").status_code == 302
    assert queries.sessions_of(desks.admin.id or 0, clock.now()) == []


def test_log_in_never_leads_to_another_site(client: Client, desks: Desks) -> None:
    answer = client.post(LOG_IN, {"username": "admin", "password": PASSWORD, "next": "https://evil.example/"})
    assert answer["Location"] == "/console/"


def test_everybody_lands_on_the_first_page_they_may_open(client: Client, desks: Desks) -> None:
    client.post(LOG_IN, {"username": "li", "password": PASSWORD})
    assert client.get("/console/")["Location"] == "/console/receipts/"


def test_the_second_factor_is_asked_for_after_the_password(client: Client, desks: Desks) -> None:
    me = desks.admin.id or 0
    now = clock.now()
    setup = staff.begin_totp(actor=desks.admin, staff_id=me, now=now)
    totp = pyotp.TOTP(setup.secret)
    staff.confirm_totp(actor=desks.admin, staff_id=me, code=totp.at(now.timestamp() - 30), now=now)
    asked = client.post(LOG_IN, {"username": "admin", "password": PASSWORD})
    assert 'name="code"' in said(asked)
    assert client.get("/console/").status_code == 302
    code = totp.at(clock.now().timestamp())
    entered = client.post(
        LOG_IN, {"username": "admin", "password": PASSWORD, "code": f"{code[:3]} {code[3:]}"}
    )
    assert entered.status_code == 302
    assert client.get("/console/").status_code == 200


def test_failed_tries_are_told_at_the_next_log_in(client: Client, desks: Desks) -> None:
    client.post(LOG_IN, {"username": "wang", "password": "wrong"})
    client.post(LOG_IN, {"username": "wang", "password": PASSWORD})
    assert "1 次使用你的用户名登录失败" in said(client.get("/console/"))


def test_logging_out_ends_the_session(enter: Enter, desks: Desks) -> None:
    browser = enter(desks.admin)
    browser.post("/console/logout/")
    assert browser.get("/console/").status_code == 302
    assert queries.sessions_of(desks.admin.id or 0, clock.now()) == []


@pytest.mark.feature("C028")
def test_a_revoked_session_ends_at_the_next_click_also_for_htmx(enter: Enter, desks: Desks) -> None:
    here, there = enter(desks.wang), enter(desks.wang)
    now = clock.now()
    elsewhere = next(
        one
        for one in queries.sessions_of(desks.wang.id or 0, now, here.session.session_key)
        if not one.is_current
    )
    here.post(f"/console/account/sessions/{elsewhere.id}/end/")
    assert here.get("/console/").status_code == 200
    assert there.get("/console/").status_code == 302
    moved = there.get("/console/feed/", headers=HTMX)
    assert moved.headers["HX-Redirect"].startswith("/console/login/")


def test_a_deactivated_account_is_out_at_once(enter: Enter, desks: Desks) -> None:
    browser = enter(desks.sun)
    staff.deactivate_staff(actor=desks.admin, staff_id=desks.sun.id or 0, reason="left", now=clock.now())
    assert browser.get("/console/members/").status_code == 302


def test_the_demo_shows_its_log_ins_and_nobody_else_does(client: Client, db: None, settings: Any) -> None:
    settings.DEMO_LOG_INS = [{"role": "管理员", "username": "admin", "password": "demo-words"}]
    settings.DEMO = False
    assert "demo-words" not in said(client.get(LOG_IN))
    settings.DEMO = True
    assert "demo-words" in said(client.get(LOG_IN))


def test_ones_language_is_taken_along(client: Client, desks: Desks) -> None:
    made = staff.create_staff(
        actor=desks.admin,
        group_id=queries.default_group().id,
        username="anna",
        name="Anna",
        password=PASSWORD,
        language="en",
        now=clock.now(),
    )
    staff.grant_role(actor=desks.admin, staff_id=made, role="auditor", level="all", now=clock.now())
    client.post(LOG_IN, {"username": "anna", "password": PASSWORD})
    assert "Dashboard" in said(client.get("/console/"))


def test_a_page_is_never_kept_by_caches(admin: Client) -> None:
    assert "no-store" in admin.get("/console/")["Cache-Control"]


def test_an_idle_session_is_over(enter: Enter, desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    browser = enter(desks.admin)
    later = clock.now() + dt.timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert browser.get("/console/").status_code == 302
    assert not sessions.keep_session(
        actor=desks.admin, session_key=browser.session.session_key or "", now=later
    )


def test_what_a_page_asks_for_by_itself_does_not_keep_the_session_alive(
    enter: Enter, desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime as dt

    from django.core.cache import cache

    browser = enter(desks.admin)
    start = clock.now()
    for minute in range(2, 31, 2):
        monkeypatch.setattr(clock, "now", lambda minute=minute: start + dt.timedelta(minutes=minute))
        cache.clear()
        browser.get("/console/feed/", headers=HTMX)
    monkeypatch.setattr(clock, "now", lambda: start + dt.timedelta(minutes=31))
    assert browser.get("/console/").status_code == 302


def test_ones_language_is_chosen_once_for_every_browser(enter: Enter, desks: Desks, client: Client) -> None:
    browser = enter(desks.admin)
    assert browser.post("/console/account/language/", {"language": "xx"}).status_code == 422
    browser.post("/console/account/language/", {"language": "en"})
    assert "My account" in said(browser.get("/console/account/"))
    client.post(LOG_IN, {"username": "admin", "password": PASSWORD})
    assert "Dashboard" in said(client.get("/console/"))


POLLED = [("/console/feed/", "admin"), ("/console/outbox/", "admin")]


@pytest.mark.feature("C029")
@pytest.mark.parametrize(("url", "username"), POLLED)
def test_polling_does_not_keep_a_session_alive(
    url: str, username: str, client: Client, desks: Desks, settings: Any
) -> None:
    """A page that asks by itself every few seconds must not hold open a desk that somebody left."""
    settings.DEMO = True
    client.post(LOG_IN, {"username": username, "password": PASSWORD})
    left_at = clock.now() - queries.security_profile().idle_max + dt.timedelta(minutes=1)
    StaffSession.objects.update(last_seen_at=left_at)
    cache.clear()
    assert client.get(url, headers=HTMX).status_code == 200
    assert StaffSession.objects.get().last_seen_at == left_at, "seen, but not kept"

    StaffSession.objects.update(last_seen_at=left_at - dt.timedelta(minutes=2))
    locked = client.get(url, headers=HTMX)
    assert locked.headers["HX-Redirect"].startswith(LOG_IN)
    assert client.get("/console/account/").status_code == 302, "nor does a page open it again"


@pytest.mark.feature("C029")
def test_whoever_works_stays_logged_in(client: Client, desks: Desks) -> None:
    client.post(LOG_IN, {"username": "admin", "password": PASSWORD})
    left_at = clock.now() - queries.security_profile().idle_max + dt.timedelta(minutes=1)
    StaffSession.objects.update(last_seen_at=left_at)
    cache.clear()
    assert client.get("/console/account/").status_code == 200
    assert StaffSession.objects.get().last_seen_at > left_at


def test_every_page_that_asks_by_itself_is_marked_so() -> None:
    """What a template fetches every few seconds is a view that does not keep the session alive."""
    folder = Path(__file__).resolve().parents[3] / "zhike/ui/console"
    polled: set[str] = set()
    for template in (folder / "templates").rglob("*.html"):
        for tag in re.findall(r'<[^>]*hx-trigger="[^"]*every[^>]*>', template.read_text()):
            polled |= set(re.findall(r"{% url 'console:(\w+)'", tag))
    assert {"feed", "outbox", "import_progress"} <= polled
    views = {pattern.name: pattern.callback.__name__ for pattern in urls._pages}
    source = "".join(path.read_text() for path in (folder / "views").rglob("*.py"))
    quiet = set(re.findall(r"keeps_alive=False\)\ndef (\w+)", source))
    assert {views[name] for name in polled} - quiet == set()
