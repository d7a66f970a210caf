"""Inviting a friend from phone to phone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.counter.world import SYSTEM, World
from tests.ui.member.test_coming_in import JOIN, NEW_PHONE
from zhike.engagement import operations
from zhike.engagement.models import Referral
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members

pytestmark = pytest.mark.feature("C085")


@pytest.fixture
def link(zhang: Client, world: World) -> str:
    assert "No invitations at the moment" in zhang.get("/m/invite/").content.decode()
    terms = {"inviter": {"points": 200}, "invitee": {"points": 100}, "minimum_fen": 5_000}
    operations.save_referral_plan(
        actor=SYSTEM, program_id=world.program_id, terms=terms, is_open=True, now=world.now
    )
    assert "/m/invite/" in zhang.get("/m/").content.decode()
    page = zhang.get("/m/invite/").content.decode()
    assert "<svg" in page
    found = re.search(r"/m/login/\?via=friend&amp;invite=[A-Z0-9]{8}", page)
    assert found, page
    return found[0].replace("&amp;", "&")


def join(browser: Client, link: str, enter: Callable[..., Any]) -> Any:
    browser.get(link)
    assert enter(browser, NEW_PHONE)["Location"] == "/m/join/"
    return browser.post("/m/join/", JOIN)


def test_a_friend_joins_buys_and_both_see_it(zhang: Client, link: str, enter: Any, world: World) -> None:
    friend = Client(headers={"accept-language": "en"})
    assert "张*丰 invites you" in friend.get(link).content.decode()
    joined = join(friend, link, enter)
    assert joined["Location"] == "/m/", joined.content.decode()
    row = Referral.objects.get()
    assert (row.inviter_id, row.status) == (world.zhang.member_id, "joined")
    page = zhang.get("/m/invite/").content.decode()
    assert "赵*" in page
    assert "赵六" not in page
    assert "Joined, no purchase yet" in page
    assert "not yet yours" not in page

    invitee = loyalty.EnrolledMember(row.invitee_id, members.person_id_of(row.invitee_id), "")
    world.now += dt.timedelta(minutes=1)
    world.buy(member=invitee)
    operations.review_referral(actor=SYSTEM, person_id=invitee.person_id, now=world.now)
    page = zhang.get("/m/invite/").content.decode()
    assert "Bought; the reward is on its way" in page
    assert "+200" in page and "not yet yours" in page, page


def test_ones_own_phone_gives_nothing(zhang: Client, link: str, enter: Any, world: World) -> None:
    zhang.post("/m/logout/")
    assert join(zhang, link, enter)["Location"] == "/m/"
    assert (Referral.objects.get().status, Referral.objects.get().refusal) == ("refused", "same_device")
