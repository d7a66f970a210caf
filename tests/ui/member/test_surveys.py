"""A survey on a phone: by the link of a message, by the code of a place; nobody logs in."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests.people import NOW, Crew
from tests.service.conftest import SYSTEM, found
from tests.ui.counter.world import World
from zhike.messaging import queries as messaging
from zhike.service import operations as service
from zhike.service import queries
from zhike.service.models import Invitation, Survey, SurveyAnswer, Touchpoint

pytestmark = pytest.mark.feature("C185", "C190")
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def link(world: World, crew: Crew) -> str:
    """The link that a member finds in the inbox after their ticket was closed, without the host."""
    found(world.malls)
    service.found_surveys(actor=SYSTEM, group_id=world.malls.group, now=NOW)
    number = service.open_ticket(
        actor=crew.sun, type="complaint", text="咖啡里有异物", channel="phone", merchant_id=world.malls.cafe,
        person_id=world.zhang.person_id, now=NOW,
    )  # fmt: skip
    service.close_ticket(actor=crew.sun, number=number, now=NOW)
    return f"/m/s/{queries.survey_token(Invitation.objects.get().pk)}/"


def test_it_is_opened_answered_and_thanked_for_without_a_log_in(phone: Client, link: str) -> None:
    page = phone.get(link)
    assert page.status_code == 200 and "咖啡里有异物" in page.content.decode()
    assert Invitation.objects.get().opened_at == NOW
    assert phone.post(link, {"comment": "没选分数"}).status_code == 422
    sent = phone.post(link, {"score": "5", "q0": ["响应速度"], "comment": "很快"})
    assert "感谢您的评价" in sent.content.decode()
    assert SurveyAnswer.objects.get().answers == {"0": ["响应速度"]}
    assert "We have your answer already." in phone.get(link).content.decode()
    assert phone.get(link[:-2] + "x/").status_code == 404


def test_it_stands_in_the_inbox_and_on_the_ticket(
    zhang: Client, world: World, link: str, clock: time_machine.Traveller
) -> None:
    service.send_invitations(actor=SYSTEM, now=NOW + HOUR)
    from zhike.messaging import operations as sending

    sending.send_due(actor=SYSTEM, now=NOW + HOUR)
    clock.move_to(NOW + HOUR)
    member = world.zhang.person_id
    from zhike.customers import queries as customers

    [message] = messaging.inbox(customers.viewer_of_person(member), member).items
    assert link in zhang.get(f"/m/inbox/{message.id}/").content.decode()
    number = Invitation.objects.select_related("ticket").get().ticket
    assert number is not None and link in zhang.get(f"/m/help/{number.number}/").content.decode()


@pytest.mark.feature("D23")
def test_after_the_window_it_says_so_kindly(phone: Client, link: str, clock: time_machine.Traveller) -> None:
    clock.move_to(NOW + dt.timedelta(days=20))
    assert "This survey is over" in phone.get(link).content.decode()
    assert phone.post(link, {"score": "5"}).status_code == 409
    assert not SurveyAnswer.objects.exists()


def proof_of(page: Any) -> str:
    found_proof = re.search(r'name="proof" value="([^"]+)"', page.content.decode())
    assert found_proof is not None
    return found_proof[1]


@pytest.fixture
def code(world: World) -> str:
    service.found_surveys(actor=SYSTEM, group_id=world.malls.group, now=NOW)
    survey = Survey.objects.get(code="places")
    pk = service.save_touchpoint(
        actor=SYSTEM,
        survey_id=survey.pk,
        mall_id=world.malls.star,
        kind="restroom",
        name="三层洗手间",
        now=NOW,
    )
    return Touchpoint.objects.get(pk=pk).code


@pytest.mark.feature("C195")
def test_a_place_takes_one_answer_a_phone_and_no_robots(
    phone: Client, code: str, clock: time_machine.Traveller
) -> None:
    address = f"/m/t/{code}/"
    page = phone.get(address)
    proof = proof_of(page)
    assert "三层洗手间" in page.content.decode() and Touchpoint.objects.get().opened == 1
    assert phone.post(address, {"score": "5"}).status_code == 422  # a form we never showed
    assert phone.post(address, {"score": "5", "proof": proof + "x"}).status_code == 422
    assert phone.post(address, {"score": "5", "proof": proof, "website": "http://spam"}).status_code == 422
    assert not SurveyAnswer.objects.exists()
    for _ in range(2):
        assert phone.post(address, {"score": "2", "proof": proof, "q0": ["清洁"]}).status_code == 200
    assert phone.post(address, {"score": "5", "proof": proof_of(phone.get(address))}).status_code == 409
    assert SurveyAnswer.objects.count() == 1
    clock.shift(dt.timedelta(hours=3))
    assert phone.post(address, {"score": "5", "proof": proof}).status_code == 422  # shown too long ago
    assert phone.get("/m/t/nowhere/").status_code == 404
    hurried = [Client().post(address, {"score": "5"}) for _ in range(3)]
    assert {one.status_code for one in hurried} == {422}
