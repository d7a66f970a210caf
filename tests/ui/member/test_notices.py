"""Notifications in the member app: the page, what a browser sends, logging out, and the script that shows them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from tests.integrations.vendors import SYSTEM
from tests.messaging.test_notices import listen, open_push
from tests.messaging.test_sending import ask, write
from tests.people import NOW
from tests.ui.counter.world import ZHANG_PHONE, World
from zhike.customers import queries as customers
from zhike.integrations.web_push.emulator import PushEmulator, Service, subscription
from zhike.messaging import operations, queries
from zhike.messaging.models import OutboundMessage, PushDevice

pytestmark = pytest.mark.feature("C128", "C136")
PAGE = "/m/me/notifications/"


@pytest.fixture
def emulator() -> Iterator[PushEmulator]:
    with PushEmulator(Service(now=NOW.timestamp)) as running:
        yield running


@pytest.fixture
def me(world: World, emulator: PushEmulator) -> int:
    """张三丰, in a house that offers notifications."""
    open_push(emulator.url)
    person_id = customers.person_id_by("phone", ZHANG_PHONE)
    assert person_id
    return person_id


def _given(browser: str) -> dict[str, str]:
    device = subscription(browser)
    return {"endpoint": device.endpoint, "p256dh": device.p256dh, "auth": device.auth}


def test_browser_is_added_listed_written_to_and_removed(
    me: int, zhang: Client, emulator: PushEmulator
) -> None:
    page = zhang.get(PAGE).content.decode()
    assert f'data-key="{queries.push_key()}"' in page
    assert "data-known" not in page
    agent = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
    made = zhang.post(f"{PAGE}add/", _given("phone"), headers={"user-agent": agent})
    assert made["Location"] == PAGE
    page = zhang.get(PAGE).content.decode()
    assert "Chrome · Android" in page
    assert " data-known" in page
    assert "Notifications" in zhang.get("/m/me/").content.decode()
    write("notice", "service", "push", body="${name}，您的券已到账")
    ask(me, template="notice")
    operations.send_due(actor=SYSTEM, now=NOW)
    [notice] = emulator.service.shown
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(notice.url).status_code == 204
    assert OutboundMessage.objects.get(channel="push").status == "delivered"
    opened = stranger.get(notice.url)
    assert (opened.status_code, opened["Location"]) == (302, "/m/")
    assert OutboundMessage.objects.get(channel="push").read_at == NOW
    assert stranger.post("/m/n/1-forged/").status_code == 404
    device = PushDevice.objects.get()
    assert zhang.post(f"{PAGE}{device.pk}/remove/")["Location"] == PAGE
    assert not PushDevice.objects.exists()
    assert zhang.post(f"{PAGE}{device.pk}/remove/").status_code == 404


@pytest.mark.parametrize(
    "changes", [{"endpoint": "https://127.0.0.1/x"}, {"p256dh": "\0"}, {"auth": "短"}, {"endpoint": ""}]
)
def test_what_no_browser_sends_is_refused_in_words(me: int, zhang: Client, changes: dict[str, str]) -> None:
    answer = zhang.post(f"{PAGE}add/", _given("phone") | changes, follow=True)
    assert "This browser cannot be written to." in answer.content.decode()
    assert not PushDevice.objects.exists()


def test_logging_out_silences_this_browser_and_no_other(me: int, zhang: Client) -> None:
    other = listen(me, "laptop")
    zhang.post(f"{PAGE}add/", _given("phone"))
    assert PushDevice.objects.count() == 2
    zhang.post("/m/logout/")
    assert PushDevice.objects.get().pk == other


def test_nobody_touches_the_device_of_another_member(me: int, phone: Client, zhang: Client) -> None:
    stranger = Client()
    for path in (PAGE, f"{PAGE}add/", f"{PAGE}1/remove/"):
        answer = stranger.post(path, _given("x")) if path != PAGE else stranger.get(path)
        assert answer["Location"].startswith("/m/login/")
    assert not PushDevice.objects.exists()


def test_house_without_notifications_says_so(world: World, zhang: Client) -> None:
    assert "Notifications are not offered here yet" in zhang.get(PAGE).content.decode()
    answer = zhang.post(f"{PAGE}add/", _given("phone"), follow=True)
    assert "Notifications are not offered here." in answer.content.decode()


def test_script_shows_notifications_and_opens_this_app_only(phone: Client, world: World) -> None:
    script = phone.get("/m/sw.js").content.decode()
    for part in (
        'addEventListener("push"',
        'addEventListener("notificationclick"',
        "startsWith(self.registration.scope)",
    ):
        assert part in script
