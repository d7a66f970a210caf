"""Benefits at the counter: what is left, used once by two presses, given back; and seen by the member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.people import Crew
from tests.rewards.world import SYSTEM
from tests.ui.counter.world import ZHANG_PHONE, World, token_of
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.rewards import operations as rewards
from zhike.rewards.models import BenefitUse

pytestmark = pytest.mark.feature("C073")


@pytest.fixture
def benefit_id(world: World) -> int:
    basic, silver, *_ = loyalty.tiers(world.program_id)
    benefit = rewards.NewBenefit(
        "PARK", "免费停车", "parking", "小时", {str(basic.id): 3, str(silver.id): 6}, cost_fen=500
    )
    return rewards.save_benefit(
        actor=SYSTEM, group_id=world.malls.group, mall_id=world.malls.star, benefit=benefit, now=world.now
    )


def test_used_and_given_back(desk: Client, world: World, benefit_id: int) -> None:
    member = desk.post("/counter/find/", {"q": ZHANG_PHONE})["Location"]
    address = f"{member}benefits/"
    page = desk.get(address)
    assert "3 of 3" in page.content.decode()
    form = {"token": token_of(page), "benefit": str(benefit_id), "quantity": "2"}
    first, second = desk.post(address, form), desk.post(address, form)
    assert first["Location"] == second["Location"]
    assert "1 left in this time" in desk.get(first["Location"]).content.decode()
    too_many = desk.post(address, form | {"token": "0197a9d4-0000-7000-8000-000000000000"})
    assert too_many.status_code == 422
    use = BenefitUse.objects.get()
    desk.post(f"{address}{use.pk}/cancel/")
    shown = desk.get(address).content.decode()
    assert "3 of 3" in shown and "Given back" in shown


def test_another_desk_gives_nothing_back(
    desk: Client, world: World, crew: Crew, benefit_id: int, browser_of: Callable[[Viewer], Client]
) -> None:
    use = rewards.use_benefit(
        actor=SYSTEM, member_id=world.zhang.member_id, benefit_id=benefit_id, mall_id=world.malls.star,
        now=world.now,
    )  # fmt: skip
    elsewhere = browser_of(crew.qian)
    address = f"/counter/members/{world.zhang.member_id}/benefits/{use.use_id}/cancel/"
    assert elsewhere.post(address).status_code == 404
    assert BenefitUse.objects.get().cancelled_at is None


def test_the_member_reads_them(world: World, benefit_id: int, crew: Crew, settings: Any) -> None:
    from tests.ui.counter.world import last_code

    settings.DEMO = True
    phone = Client(headers={"accept-language": "en"})
    phone.post("/m/login/", {"phone": ZHANG_PHONE})
    phone.post("/m/login/code/", {"code": last_code(crew.admin)})
    page = phone.get("/m/benefits/").content.decode()
    assert "免费停车" in page and "What 银卡 adds" in page
    assert "/m/benefits/" in phone.get("/m/").content.decode()
