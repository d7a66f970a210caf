"""An associate's workbench on a phone: the day, one box to find, the card, notes, contacts, results, the code to invite."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.people import NOW, Crew
from tests.ui.counter.world import SYSTEM, World, log_in_staff, token_of
from zhike.clienteling import operations, queries
from zhike.clienteling.models import Contact, FollowUp
from zhike.customers import operations as customers
from zhike.customers import queries as customer_queries
from zhike.insight import operations as insight
from zhike.insight import queries as tags
from zhike.kernel.access import Viewer
from zhike.privacy import operations as privacy
from zhike.ui.member.origin import Origin

pytestmark = [pytest.mark.feature("C200", "C243", "C173"), pytest.mark.django_db]
TODAY = NOW.date()


@pytest.fixture
def phone(world: World, crew: Crew, browser_of: Callable[[Viewer], Client]) -> Client:
    """The telephone of 周导购, who looks after 张三丰."""
    customers.assign_associate(actor=SYSTEM, person_id=world.zhang.person_id, staff_id=crew.zhou.id, now=NOW)
    return browser_of(crew.zhou)


def said(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined, no-any-return]


def tokens_of(page: object) -> list[str]:
    return re.findall(r'name="token"\s+value="([0-9a-f-]{36})"', said(page))


@pytest.mark.feature("C243")
def test_a_customer_is_found_with_four_digits_and_two_taps(phone: Client, world: World) -> None:
    """Ten seconds are people's: four digits and one press of Enter. Ours is two answers with few questions to the database."""
    start = phone.get("/counter/mine/")
    assert said(start).count('role="search"') == 1  # the box is on the first page: nothing to open before
    card = f"/counter/mine/members/{world.zhang.member_id}/"
    for words in ("8000", "000", "13800138000", "张三", "zsf", "zhangsan"):
        with CaptureQueriesContext(connection) as captured:
            found = phone.post("/counter/mine/find/", {"q": words})
        assert found["Location"] == card, words
        assert len(captured) <= 26, (words, len(captured))
    with CaptureQueriesContext(connection) as captured:
        page = phone.get(card)
    assert page.status_code == 200 and len(captured) <= 75
    assert "张三丰" in said(page) and "13800138000" not in said(page)


def test_whoever_is_not_theirs_stays_unseen(phone: Client, world: World) -> None:
    page = phone.post("/counter/mine/find/", {"q": "13900139000"})
    assert "not one of yours" in said(page) and "李" not in said(page)
    assert "Nobody of yours was found" in said(phone.post("/counter/mine/find/", {"q": "9000"}))
    address = f"/counter/mine/members/{world.li.member_id}/"
    assert phone.get(address).status_code == 404
    for name in ("note", "contact", "remind"):
        assert phone.get(f"{address}{name}/").status_code == 404
    assert phone.post(f"{address}call/").status_code == 404
    assert phone.post("/counter/mine/find/", {"q": ""}).status_code == 422


def test_the_day_is_worked_off(phone: Client, world: World, crew: Crew) -> None:
    person_id = world.zhang.person_id
    assert "All done for today" in said(phone.get("/counter/mine/"))
    card = f"/counter/mine/members/{world.zhang.member_id}/"
    form = {"token": token_of(phone.get(f"{card}remind/")), "text": "答应留一件 M 码", "due_on": "2026-03-08"}
    assert phone.post(f"{card}remind/", form)["Location"] == card
    phone.post(f"{card}remind/", form)
    row = FollowUp.objects.get()
    assert "答应留一件" in said(phone.get("/counter/mine/")) and "答应留一件" in said(phone.get(card))
    address = f"/counter/mine/follow-ups/{row.pk}/"
    page = phone.get(address)
    assert "said no to this way" in said(page) and "never agreed" in said(page)
    assert "Call them" not in said(page)
    token = tokens_of(page)[0]
    wrong = {"token": token, "outcome": "reached", "channel": "wecom"}
    refused = phone.post(f"{address}finish/", wrong)
    assert refused.status_code == 422 and "may not be reached this way" in said(refused)
    token = tokens_of(phone.get(address))[0]
    assert phone.post(f"{address}snooze/", {"token": token, "days": "3"})["Location"] == "/counter/mine/"
    assert "答应留一件" in said(phone.get("/counter/mine/?show=ahead"))
    token = tokens_of(phone.get(address))[0]
    done = {"token": token, "outcome": "visit", "channel": "sms", "note": "周日来取"}
    assert phone.post(f"{address}finish/", done)["Location"] == "/counter/mine/"
    assert Contact.objects.count() == 1
    assert "周日来取" in said(phone.get(card))
    assert "Will come by" in said(phone.get("/counter/mine/?show=ended"))
    assert "Done" in said(phone.get(address))
    other = operations.add_follow_up(
        actor=crew.zhou, person_id=person_id, text="再问一次", due_on=TODAY, now=NOW
    )
    address = f"/counter/mine/follow-ups/{other}/"
    token = tokens_of(phone.get(address))[0]
    assert phone.post(f"{address}skip/", {"token": token, "reason": "no"}).status_code == 422
    assert phone.post(f"{address}skip/", {"token": token, "reason": "known"}).status_code == 302


@pytest.mark.feature("C008", "C189")
def test_a_note_proposes_and_a_person_decides(phone: Client, world: World) -> None:
    tag_id = insight.save_tag(
        actor=SYSTEM, group_id=world.malls.group, code="plain", name="偏好简约", category="taste", kind="manual", now=NOW
    )  # fmt: skip
    card = f"/counter/mine/members/{world.zhang.member_id}/"
    form = {
        "token": token_of(phone.get(f"{card}note/")),
        "text": "试穿两件。她喜欢简约一点的款式，女儿上小学。",
    }
    answer = phone.post(f"{card}note/", form)
    assert answer["Location"] == f"{card}#history"
    phone.post(f"{card}note/", form)
    page = said(phone.get(card))
    assert page.count("试穿两件。她喜欢简约") == 1 and "“她喜欢简约一点的款式，女儿上小学。”" in page
    assert not tags.tags_of(world.zhang.person_id).on
    [note] = queries.notes_of(SYSTEM, world.zhang.person_id)
    plain, family = note.proposals
    assert (plain.words, plain.tag_id, family.words, family.tag_id) == ("偏好简约", tag_id, "亲子家庭", None)
    token = tokens_of(phone.get(card))[-1]
    for proposal, answer_ in ((plain, "yes"), (family, "yes")):
        phone.post(f"{card}proposals/{proposal.id}/", {"token": token, "is_right": answer_})
        token = (tokens_of(phone.get(card)) or [token])[-1]
    held = tags.tags_of(world.zhang.person_id)
    assert [one.ref.id for one in held.on] == [tag_id] and held.suggested == ("亲子家庭",)
    assert "简约" in held.on[0].note
    private = {"token": token_of(phone.get(f"{card}note/")), "text": "她最近怀孕了"}
    refused = phone.post(f"{card}note/", private)
    assert refused.status_code == 422 and "怀孕" in said(refused)


def test_the_number_appears_only_when_they_may_be_called(phone: Client, world: World) -> None:
    address = f"/counter/mine/members/{world.zhang.member_id}/"
    assert phone.post(f"{address}call/").status_code == 409
    form = {"channel": "in_person", "result": "talked", "began_by_member": "on", "note": "进店看新款"}
    page = phone.get(f"{address}contact/")
    assert phone.post(f"{address}contact/", {**form, "token": token_of(page)})["Location"] == address
    assert "进店看新款" in said(phone.get(address))
    privacy.record_consents(
        actor=SYSTEM, person_id=world.zhang.person_id, decisions=[privacy.Decision("marketing", "phone", "granted")],
        policy_version="2026-01", method="counter", evidence={}, now=NOW,
    )  # fmt: skip
    assert "Call them" in said(phone.get(address))
    assert "tel:+8613800138000" in said(phone.post(f"{address}call/"))


def test_results_and_the_code_that_brings_new_members(
    phone: Client, world: World, crew: Crew, client: Client
) -> None:
    world.buy(30_000, member=world.zhang, at=NOW - dt.timedelta(days=1))
    page = said(phone.get("/counter/mine/results/?days=7&by=each"))
    assert "周导购" in page and "300.00" in page
    code = queries.invitation_code(crew.zhou.id or 0)
    assert phone.get("/counter/mine/invite/").status_code == 200
    origin = Origin.of_query({"merchant": str(world.malls.fashion), "via": "associate", "by": code})
    assert origin is not None and origin.associate_id == crew.zhou.id and origin.source == "h5-associate"
    assert Origin.of_json(origin.as_json()) == origin
    assert parse_qs(urlsplit(f"/?by={code}").query)["by"] == [code]
    forged = Origin.of_query({"via": "associate", "by": f"{crew.zhou.id}:forged"})
    assert forged is not None and forged.associate_id is None
    log_in_staff(client, crew.li, NOW)
    assert client.get("/counter/mine/").status_code == 403
    assert customer_queries.person(world.zhang.person_id).associate_id == crew.zhou.id
