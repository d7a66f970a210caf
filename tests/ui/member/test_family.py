"""The household on two phones and at the till: begun, joined, filled, spent, contested, left."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from tests.ui.counter.world import SYSTEM, World
from zhike.loyalty import operations, queries
from zhike.loyalty.models import PoolDispute, Redemption

pytestmark = pytest.mark.feature("C102")


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_a_household_from_beginning_to_end(zhang: Client, world: World) -> None:
    li = queries.member_file(SYSTEM, world.li.member_id, world.now)
    assert "Begin a household" in text(zhang.get("/m/family/"))
    assert "Household" in text(zhang.get("/m/me/"))
    assert "Now invite your family" in text(zhang.post("/m/family/found/", {"name": "张家"}, follow=True))
    told = text(zhang.post("/m/family/invite/", {"number": "nobody", "role": "adult"}, follow=True))
    assert "Invited." not in told
    invited = {"number": li.number, "role": "child", "day_limit": "40", "month_limit": "90"}
    assert "Invited." in text(zhang.post("/m/family/invite/", invited, follow=True))
    household = queries.household_of(SYSTEM, world.zhang.member_id)
    assert household is not None
    operations.answer_household_invitation(
        actor=SYSTEM, member_id=li.member_id, household_id=household.id, accept=True, now=world.now
    )
    before = queries.member_file(SYSTEM, world.zhang.member_id, world.now).balance
    if before < 100:
        operations.grant_points(
            actor=SYSTEM, member_id=world.zhang.member_id, points=100, reference="x", note="x", now=world.now
        )
    form = {"points": "60", "token": str(uuid.uuid4())}
    for _ in range(2):
        page = text(zhang.post("/m/family/put/", form, follow=True))
    assert "60 points" in page
    assert "at most 40 a day" in page
    limits = {"day_limit": "50", "month_limit": ""}
    assert "The limits hold" in text(zhang.post(f"/m/family/limits/{li.member_id}/", limits, follow=True))
    told = text(zhang.post("/m/family/dispute/", {"text": "这笔不是我们花的"}, follow=True))
    assert "A dispute is open" in told
    operations.settle_dispute(
        actor=SYSTEM, dispute_id=PoolDispute.objects.get().pk, verdict="已核对", now=world.now
    )
    assert "已核对" in text(zhang.get("/m/family/"))
    assert "They are out" in text(zhang.post(f"/m/family/remove/{li.member_id}/", follow=True))
    assert "60 points came back" in text(zhang.post("/m/family/leave/", follow=True))


def test_invited_and_joined_on_the_own_phone(zhang: Client, world: World) -> None:
    zhang_file = queries.member_file(SYSTEM, world.zhang.member_id, world.now)
    household_id = operations.found_household(
        actor=SYSTEM, member_id=world.li.member_id, name="李家", now=world.now
    )
    operations.invite_into_household(
        actor=SYSTEM, member_id=world.li.member_id, number=zhang_file.number, role="adult", now=world.now
    )
    assert "invites you into “李家”" in text(zhang.get("/m/family/"))
    answer = f"/m/family/answer/{household_id}/"
    assert "Welcome" in text(zhang.post(answer, {"answer": "accept"}, follow=True))
    assert "You have left" in text(zhang.post("/m/family/leave/", follow=True))
    assert not Redemption.objects.exists()
