"""A member chats with the desk on the phone."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.people import NOW, Crew
from tests.service.bot import set_up_bot
from tests.service.conftest import PNG, found
from tests.ui.counter.world import LI_PHONE, World
from zhike.service import operations as service
from zhike.service.models import Article, Conversation, Message
from zhike.ui.components.chat import Pass, make_pass, read_pass

pytestmark = pytest.mark.feature("C176")


def send(client: Client, text: str = "你好", **fields: Any) -> Any:
    return client.post("/m/chat/send/", {"text": text, "key": str(uuid4())} | fields)


def test_words_go_there_and_back(zhang: Client, world: World, crew: Crew, settings: Any) -> None:
    found(world.malls)
    settings.LIVE_URL = ":8241"
    page = zhang.get("/m/chat/")
    assert "http://testserver:8241/live/" in page.content.decode()
    assert "connect-src 'self' http://testserver:8241" in page["Content-Security-Policy"]
    assert zhang.get("/m/chat/news/").json() == {"state": None, "messages": [], "pass": ""}
    key = str(uuid4())
    for _ in range(2):
        answer = send(zhang, "有人吗", key=key, files=SimpleUploadedFile("a.png", PNG)).json()
    assert Message.objects.filter(author_kind="member").count() == 1
    number, state = answer["state"]["number"], answer["state"]
    assert (state["status"], state["place"]) == ("queued", 1)
    given = read_pass(answer["pass"])
    assert given == Pass("member", Conversation.objects.get().pk)
    service.write_as_staff(actor=crew.sun, number=number, text="在的", now=NOW)
    service.write_as_staff(actor=crew.sun, number=number, text="内部", audience="staff", now=NOW)
    fresh = zhang.get(f"/m/chat/news/?number={number}&after={state['last']}").json()
    assert [one["text"] for one in fresh["messages"] if one["kind"] == "text"] == ["在的"]
    file = next(one["files"][0]["id"] for one in answer["messages"] if one["files"])
    assert zhang.get(f"/m/chat/{number}/files/{file}/").content == PNG
    last = fresh["state"]["last"]
    assert zhang.post("/m/chat/seen/", {"number": number, "received": last, "read": last}).status_code == 204
    assert zhang.post("/m/chat/typing/", {"number": number}).status_code == 204
    assert Conversation.objects.get().member_read == last
    assert zhang.post("/m/chat/person/", {"number": number}).status_code == 200
    closed = zhang.post("/m/chat/close/", {"number": number, "after": last}).json()
    assert closed["state"]["status"] == "closed" and closed["pass"] == ""


def test_another_member_learns_nothing(zhang: Client, world: World, enter: Any) -> None:
    number = send(zhang).json()["state"]["number"]
    other = Client(headers={"accept-language": "en"})
    enter(other, LI_PHONE)
    assert other.get(f"/m/chat/news/?number={number}").json()["messages"] == []
    assert other.post("/m/chat/seen/", {"number": number, "read": "1"}).status_code == 404
    assert other.post("/m/chat/close/", {"number": number}).status_code == 404
    assert Conversation.objects.get().status == "queued"


def test_what_cannot_be_sent_says_why(zhang: Client, world: World) -> None:
    refused = send(zhang, " ")
    assert refused.status_code == 422 and refused.json()["code"] == "message-missing"
    assert send(zhang, "", files=SimpleUploadedFile("a.exe", b"MZ" * 40)).status_code == 422
    for _ in range(45):
        last = send(zhang)
    assert last.status_code == 429
    assert Client().post("/m/chat/send/", {"text": "谁"}).status_code == 302


def test_a_pass_that_was_changed_opens_nothing() -> None:
    good = make_pass(Pass("member", 7))
    assert read_pass(good) == Pass("member", 7)
    assert read_pass(good[:-1] + ("A" if good[-1] != "A" else "B")) is None
    assert read_pass("") is None


def test_the_assistant_answers_and_articles_are_read(zhang: Client, world: World, crew: Crew) -> None:
    found(world.malls)
    set_up_bot(world.malls.group, crew.admin, NOW)
    answer = send(zhang, "我有多少积分").json()
    assert "积分可用" in answer["messages"][-1]["text"] and answer["state"]["status"] == "bot"
    assert "母婴室在哪里" in zhang.get("/m/faq/?q=muyingshi").content.decode()
    assert zhang.get("/m/faq/?q=zzzz").status_code == 200
    assert "护理台" in zhang.get("/m/faq/facility_nursing/").content.decode()
    zhang.post("/m/faq/facility_nursing/", {"helps": "yes"})
    assert Article.objects.get(code="facility_nursing").helped == 1
    assert zhang.get("/m/faq/nothing/").status_code == 404
