"""The inbox in a browser: the list, a conversation, answers, notes, hand-over, ticket; who may and who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.service.conftest import PNG
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_service import form_of
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service
from zhike.service.models import Conversation, Message, Phrase, Ticket
from zhike.ui.components.chat import read_pass

Enter = Callable[[Viewer], Client]
pytestmark = pytest.mark.feature("C176", "C177")


@pytest.fixture
def number(world: World) -> str:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=world.now)
    person_id = loyalty.person_id_of(world.zhang_san)
    return service.write_as_member(
        actor=customers.viewer_of_person(person_id),
        person_id=person_id,
        mall_id=world.malls.star,
        text="积分什么时候到账？",
        key=uuid4(),
        now=world.now,
    )


@pytest.fixture
def sun(enter: Enter, desks: Desks) -> Client:
    return enter(desks.sun)


def test_a_conversation_is_seen_taken_and_answered(sun: Client, number: str) -> None:
    page = said(sun.get("/console/inbox/"))
    assert "积分什么时候到账？" in page and number in page
    assert sun.post("/console/inbox/seat/", {"state": "available"}).status_code == 302
    assert Conversation.objects.get().status == "open"  # given out at once
    shown = said(sun.get(f"/console/inbox/{number}/"))
    assert "张三" in shown and "data-chat" in shown
    key = str(uuid4())
    for _ in range(2):
        sent = sun.post(
            f"/console/inbox/{number}/send/",
            {"text": "您好", "key": key, "files": SimpleUploadedFile("a.png", PNG)},
        )
        assert sent.status_code == 200
    found = sun.get(f"/console/inbox/{number}/news/?after=0").json()
    assert [one["text"] for one in found["messages"] if one["kind"] == "text"] == [
        "积分什么时候到账？",
        "您好",
    ]
    file = found["messages"][-1]["files"][0]["id"]
    assert sun.get(f"/console/inbox/{number}/files/{file}/").content == PNG
    given = read_pass(found["pass"])
    assert given is not None and given.reader == "staff"
    refused = sun.post(f"/console/inbox/{number}/send/", {"text": " "})
    assert refused.status_code == 422 and refused.json()["problem"]
    for what in ("typing", "seen", "looking"):
        assert sun.post(f"/console/inbox/{number}/{what}/", {"read": "3"}).status_code == 204
    assert sun.post("/console/inbox/seat/here/").status_code == 204
    assert said(sun.get(f"/console/inbox/{number}/parts/", headers=HTMX)).count("conversation-head") == 1
    assert "pass" in sun.get("/console/inbox/pass/").json()


def dialog(client: Client, address: str, **fields: Any) -> Any:
    return client.post(address, form_of(client.get(address, headers=HTMX)) | fields, headers=HTMX)


def test_what_can_be_done_to_it(sun: Client, desks: Desks, number: str) -> None:
    at = f"/console/inbox/{number}/"
    sun.post(at + "take/")
    dialog(sun, at + "snooze/", seconds="3600")
    assert Conversation.objects.get().status == "snoozed"
    dialog(sun, at + "transfer/", staff_id=str(desks.wang.id), skill="", note="请王总看")
    assert Conversation.objects.get().assignee_id == desks.wang.id
    assert Message.objects.filter(kind="note").count() == 1
    dialog(sun, at + "ticket/", type="question", severity="normal", text="积分未到账", close="on")
    assert Ticket.objects.get().channel == "chat"
    assert Conversation.objects.get().status == "closed"
    assert sun.post(at + "close/").status_code == 302
    assert sun.post(at + "take/").status_code == 302  # refused, with a word
    assert Conversation.objects.get().status == "closed"


def test_seats_and_phrases(sun: Client, enter: Enter, desks: Desks, number: str) -> None:
    lin = enter(desks.admin)
    dialog(lin, f"/console/inbox/setup/seats/{desks.sun.id}/", skills=["points"], places="3")
    dialog(sun, "/console/inbox/setup/phrase/", code="hi", title="问候", text="{member}您好，积分 {points}")
    bad = dialog(sun, "/console/inbox/setup/phrase/", code="x", title="坏", text="{secret}")
    assert bad.status_code == 422
    assert "问候" in said(sun.get("/console/inbox/setup/"))
    assert "张三您好" in said(sun.get(f"/console/inbox/{number}/"))
    assert sun.get(f"/console/inbox/setup/seats/{desks.sun.id}/", headers=HTMX).status_code == 403
    sun.post(f"/console/inbox/setup/phrase/{Phrase.objects.get().pk}/drop/")
    assert not Phrase.objects.exists()


def test_strangers_find_nothing(enter: Enter, desks: Desks, number: str) -> None:
    other, cashier, group = enter(desks.qian), enter(desks.li), enter(desks.admin)
    assert other.get(f"/console/inbox/{number}/").status_code == 404
    assert number not in said(other.get("/console/inbox/"))
    assert other.get(f"/console/inbox/{number}/news/").status_code == 404
    assert cashier.get("/console/inbox/").status_code == 403
    assert group.get(f"/console/inbox/{number}/").status_code == 200
    assert Message.objects.filter(author_kind="staff").count() == 0
