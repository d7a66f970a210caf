"""A form on a phone and at a kiosk: shown, filled in, thanked for; robots, proofs of phones, members."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests.people import NOW, Crew
from tests.ui.counter.world import SYSTEM, World, last_code
from tests.webforms.conftest import PNG, SIGN_UP, VISIT
from zhike.messaging.models import OutboundMessage
from zhike.service import operations as service
from zhike.webforms import operations, queries
from zhike.webforms.models import Answer, AnswerFile

pytestmark = pytest.mark.feature("C007", "C023")
MINUTE = dt.timedelta(minutes=1)


def publish(world: World, draft: queries.Definition, **taking: Any) -> str:
    form_id = operations.create_form(
        actor=SYSTEM,
        group_id=world.malls.group,
        name=draft.title,
        mall_id=world.malls.star,
        draft=draft,
        now=NOW,
    )
    settled = operations.Taking(draft.title, **taking)
    operations.set_taking(actor=SYSTEM, form_id=form_id, taking=settled, now=NOW)
    operations.publish_form(actor=SYSTEM, form_id=form_id, now=NOW)
    return f"/m/f/{queries.form(SYSTEM, form_id, NOW).code}/"


@pytest.fixture
def visit(world: World) -> str:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=NOW)
    return publish(world, VISIT)


def proof_of(response: Any) -> str:
    found = re.search(r'name="proof" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def test_it_is_shown_filled_in_and_thanked_for(
    phone: Client, visit: str, clock: time_machine.Traveller
) -> None:
    page = phone.get(visit)
    text = page.content.decode()
    assert "今天的逛店体验如何？" in text and 'data-when-field="q1"' in text and "<script>" not in text
    sheet = {"proof": proof_of(page), "q1": "4", "q4": "9", "q5.0": "好", "q6": "学生"}
    fast = phone.post(visit, sheet)
    assert fast.status_code == 422
    clock.move_to(NOW + MINUTE)
    missing = phone.post(visit, {**sheet, "q1": "1"})
    assert missing.status_code == 422 and 'role="alert"' in missing.content.decode()
    assert "谢谢您，祝您购物愉快。" in phone.post(visit, sheet).content.decode()
    assert "谢谢您，祝您购物愉快。" in phone.post(visit, sheet).content.decode()
    row = Answer.objects.get()
    assert (row.channel, row.person_id, row.choices["q5"]) == ("link", None, [["卫生", "好"]])


def test_robots_are_asked_once_more_and_nothing_is_kept(
    phone: Client, visit: str, clock: time_machine.Traveller
) -> None:
    proof = proof_of(phone.get(visit))
    clock.move_to(NOW + MINUTE)
    for sheet in (
        {"q1": "4"},
        {"proof": "forged", "q1": "4"},
        {"proof": proof, "q1": "4", "website": "http://spam"},
    ):
        assert phone.post(visit, sheet).status_code == 422
    clock.move_to(NOW + dt.timedelta(hours=13))
    assert phone.post(visit, {"proof": proof, "q1": "4"}).status_code == 422
    assert not Answer.objects.exists()
    assert phone.get("/m/f/nowhere/").status_code == 404


def test_one_address_sends_so_many_a_minute(phone: Client, visit: str, clock: time_machine.Traveller) -> None:
    proof = proof_of(phone.get(visit))
    clock.move_to(NOW + 5 * MINUTE)
    answers = [phone.post(visit, {"proof": proof, "q1": "4"}).status_code for _ in range(21)]
    assert answers[0] == 200 and answers[-1] == 429 and Answer.objects.count() == 1


def test_a_member_answers_as_themself_once(
    zhang: Client, world: World, clock: time_machine.Traveller
) -> None:
    address = publish(
        world,
        queries.Definition("会员问卷", fields=VISIT.fields[:1]),
        members_only=True,
        once_per_member=True,
    )
    assert Client().get(address).headers["Location"] == f"/m/login/?next={address}"
    page = zhang.get(address)
    clock.move_to(NOW + MINUTE)
    assert zhang.post(address, {"proof": proof_of(page), "q1": "5"}).status_code == 200
    row = Answer.objects.get()
    assert (row.channel, row.person_id) == ("member", world.zhang.person_id)
    again = zhang.get(address)
    clock.move_to(NOW + 2 * MINUTE)
    assert zhang.post(address, {"proof": proof_of(again), "q1": "5"}).status_code == 409


def test_a_phone_is_proved_before_the_form_is_sent(
    phone: Client, world: World, crew: Crew, clock: time_machine.Traveller, settings: Any
) -> None:
    settings.DEMO = True
    address = publish(world, SIGN_UP)
    page = phone.get(address)
    sheet = {
        "proof": proof_of(page),
        "q1": "赵六",
        "q2": "136 0000 1234",
        "q3": "6",
        "q4": "上午场",
        "q5": "1",
    }
    clock.move_to(NOW + MINUTE)
    refused = phone.post(address, sheet)
    assert refused.status_code == 422 and not Answer.objects.exists()
    assert "phone_code" in phone.post(f"{address}code/", sheet).content.decode()
    code = last_code(crew.admin)
    assert "alert" in phone.post(f"{address}prove/", {**sheet, "phone_code": "x"}).content.decode()
    proved = phone.post(f"{address}prove/", {**sheet, "phone_code": code}).content.decode()
    token = re.search(r'name="phone_proof" value="([^"]+)"', proved)
    assert token is not None and "136****1234" in proved.replace(" ", "")
    other = phone.post(address, {**sheet, "phone_proof": token[1], "q2": "13800138000"})
    assert other.status_code == 422
    assert phone.post(address, {**sheet, "phone_proof": token[1]}).status_code == 200
    assert Answer.objects.get().phone_proved_at is not None


def test_a_kiosk_begins_anew_and_knows_nobody(
    zhang: Client, visit: str, world: World, clock: time_machine.Traveller
) -> None:
    page = zhang.get(f"{visit}kiosk/")
    assert "data-kiosk" in page.content.decode() and "张三" not in page.content.decode()
    clock.move_to(NOW + MINUTE)
    thanks = zhang.post(f"{visit}kiosk/", {"proof": proof_of(page), "q1": "5"}).content.decode()
    assert 'http-equiv="refresh"' in thanks and f"url={visit}kiosk/" in thanks
    assert (Answer.objects.get().channel, Answer.objects.get().person_id) == ("kiosk", None)


def test_files_and_a_drawn_signature(
    phone: Client, world: World, clock: time_machine.Traveller, settings: Any, tmp_path: Any
) -> None:
    import base64
    from io import BytesIO

    settings.UPLOAD_DIR = tmp_path
    fields = (queries.Field("q1", "file", "照片"), queries.Field("q2", "signature", "签名", is_required=True))
    address = publish(world, queries.Definition("签收", fields=fields))
    page = phone.get(address)
    clock.move_to(NOW + MINUTE)
    photo = BytesIO(PNG)
    photo.name = "a.png"
    drawn = "data:image/png;base64," + base64.b64encode(PNG).decode()
    sheet = {"proof": proof_of(page), "q1": photo}
    assert (
        phone.post(address, {"proof": sheet["proof"], "q2.png": "data:text/html;base64,PGI+"}).status_code
        == 422
    )
    assert phone.post(address, {**sheet, "q2.png": drawn}).status_code == 200
    assert sorted(AnswerFile.objects.values_list("field", flat=True)) == ["q1", "q2"]


def test_a_form_says_why_it_takes_nothing(phone: Client, world: World) -> None:
    early = publish(world, queries.Definition("早", fields=VISIT.fields[:1]), opens_at=NOW + MINUTE)
    assert "2026-03-08" in phone.get(early).content.decode()
    over = publish(world, queries.Definition("晚", fields=VISIT.fields[:1]), closes_at=NOW)
    assert phone.get(over).status_code == 200


def test_a_closed_form_sends_no_codes_and_one_for_members_stands_on_no_kiosk(
    phone: Client, world: World
) -> None:
    over = publish(world, SIGN_UP, closes_at=NOW)
    sheet = {"q1": "赵六", "q2": "136 0000 1234"}
    answer = phone.post(f"{over}code/", sheet).content.decode()
    assert "takes no answers" in answer and not OutboundMessage.objects.exists()
    theirs = publish(world, queries.Definition("会员问卷", fields=VISIT.fields[:1]), members_only=True)
    page = phone.get(f"{theirs}kiosk/")
    assert (page.status_code, "proof" in page.content.decode()) == (403, False)
    assert "For members" in page.content.decode()
