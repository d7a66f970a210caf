"""The inbox, quiet hours and the link that ends offers."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.messaging.test_sending import agree, ask, write
from tests.people import NOW
from tests.ui.counter.world import ZHANG_PHONE, World
from zhike.customers import queries as customers
from zhike.kernel.access import system_viewer
from zhike.messaging import operations, queries
from zhike.messaging.models import Suppression
from zhike.privacy import queries as consents

SYSTEM = system_viewer("tests")


@pytest.fixture
def me(world: World) -> int:
    """张三丰, with an offer in the inbox."""
    person_id = customers.person_id_by("phone", ZHANG_PHONE)
    assert person_id
    agree(person_id, "push")
    write("offer", "marketing", "inbox")
    ask(person_id)
    operations.send_due(actor=SYSTEM, now=NOW)
    return person_id


@pytest.mark.feature("C128", "C136")
def test_unread_message_is_seen_opened_and_then_read(me: int, zhang: Client) -> None:
    assert "1 unread message" in zhang.get("/m/").content.decode()
    page = zhang.get("/m/inbox/").content.decode()
    assert "会员日全场八折" in page
    assert "Unread" in page
    url = re.search(r"/m/inbox/\d+/", page)
    assert url
    opened = zhang.get(url.group()).content.decode()
    assert "/m/no/" in opened
    assert "unread message" not in zhang.get("/m/").content.decode()
    assert zhang.get("/m/inbox/999999/").status_code == 404


@pytest.mark.feature("B45")
def test_link_shows_a_button_and_a_post_without_cookies_ends_offers(me: int, phone: Client) -> None:
    message = queries.inbox(customers.viewer_of_person(me), me).items[0]
    path = queries.refusal_path(message.id)
    stranger = Client(enforce_csrf_checks=True)
    assert "End offers" in phone.get(path).content.decode()
    assert consents.may_contact(me, "marketing", "push")
    answer = stranger.post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not consents.may_contact(me, "marketing", "push")
    assert phone.get(f"/m/no/{message.id}-{'0' * 24}/").status_code == 404


@pytest.mark.feature("B19")
def test_quiet_hours_are_kept_changed_and_ended(me: int, zhang: Client) -> None:
    assert zhang.get("/m/me/quiet/").status_code == 200
    assert zhang.post("/m/me/quiet/", {"is_on": "on", "quiet_from": "12:00"}).status_code == 422
    form = {"is_on": "on", "quiet_from": "12:00", "quiet_until": "14:00"}
    assert zhang.post("/m/me/quiet/", form).status_code == 302
    kept = queries.own_quiet_hours(me)
    assert kept and (kept[0].hour, kept[1].hour) == (12, 14)
    assert zhang.post("/m/me/quiet/", form | {"quiet_until": "12:00"}).status_code == 422
    assert zhang.post("/m/me/quiet/", {}).status_code == 302
    assert queries.own_quiet_hours(me) is None


@pytest.mark.feature("B45")
def test_who_agrees_again_in_the_app_is_written_to_again(me: int, zhang: Client) -> None:
    from tests.integrations.vendors import open_account
    from zhike.messaging.ports import Reply

    account_id = open_account("http://127.0.0.1:9")
    replies = [Reply("1", ZHANG_PHONE, "TD", NOW)]
    operations.record_replies(actor=SYSTEM, account_id=account_id, replies=replies, now=NOW)
    assert queries.is_suppressed(me, "sms")
    zhang.post("/m/me/consents/", {"consent-membership-any": "on", "consent-marketing-sms": "on"})
    assert not queries.is_suppressed(me, "sms")
    assert Suppression.objects.get().lifted_at is not None


def test_nobody_reads_an_inbox_without_logging_in(me: int, phone: Client) -> None:
    for path in ("/m/inbox/", "/m/me/quiet/"):
        assert phone.get(path)["Location"].startswith("/m/login/")
