"""Three taps: phone, name and consents, done."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.people import Crew
from tests.ui.counter.world import SYSTEM, ZHANG_PHONE, World, last_code, token_of
from zhike.customers import queries as customers
from zhike.loyalty import queries as loyalty
from zhike.privacy import queries as privacy

NEW_PHONE = "13600136000"


def members() -> int:
    return loyalty.members_count(SYSTEM)[0]


def begin(till: Client) -> str:
    """The token of the second form."""
    assert till.post("/counter/enrol/", {"phone": NEW_PHONE})["Location"] == "/counter/enrol/details/"
    page = till.get("/counter/enrol/details/")
    assert " checked" not in page.content.decode()
    return token_of(page)


def details(token: str, **changes: Any) -> dict[str, Any]:
    filled = {
        "token": token,
        "name": "赵六",
        "consent-membership-any": "on",
        "consent-marketing-sms": "on",
    } | changes
    return {name: value for name, value in filled.items() if value is not None}


@pytest.mark.feature("C004", "C060")
def test_three_taps_make_a_member(till: Client, world: World) -> None:
    token = begin(till)
    done = till.post("/counter/enrol/details/", details(token), follow=True)
    person_id = customers.person_id_by("phone", NEW_PHONE)
    assert person_id is not None
    page = done.content.decode()
    member_id = loyalty.member_id_of_person(person_id)
    file = loyalty.member_file(SYSTEM, member_id or 0, world.now)
    assert file.number in page
    assert "<svg" in page
    assert (file.mall_id, file.merchant_id, file.source) == (world.malls.star, world.malls.cafe, "counter")
    assert till.get(f"/counter/members/{member_id}/").status_code == 200


@pytest.mark.feature("C060")
def test_what_stays_unticked_is_recorded_as_refused(till: Client, world: World) -> None:
    till.post("/counter/enrol/details/", details(begin(till)))
    person_id = customers.person_id_by("phone", NEW_PHONE)
    assert person_id is not None
    given = {(row.purpose, row.channel): row for row in privacy.current_consents(person_id)}
    assert given["membership", "any"].decision == "granted"
    assert given["marketing", "sms"].decision == "granted"
    assert given["marketing", "phone"].decision == "refused"
    assert given["sharing", "any"].decision == "refused"
    proof = given["marketing", "phone"]
    assert (proof.method, proof.policy_version) == ("counter", "2026-01")
    assert proof.evidence["till"] == "1"


def test_without_membership_there_is_none(till: Client, world: World) -> None:
    before = members()
    refused = till.post("/counter/enrol/details/", details(begin(till), **{"consent-membership-any": None}))
    assert refused.status_code == 422
    assert members() == before
    assert customers.person_id_by("phone", NEW_PHONE) is None


@pytest.mark.feature("C004")
def test_a_known_phone_shows_the_member_and_changes_nothing(till: Client, world: World) -> None:
    before = members()
    page = till.post("/counter/enrol/", {"phone": ZHANG_PHONE}).content.decode()
    assert world.zhang.number in page
    assert members() == before


@pytest.mark.feature("B04")
def test_a_double_tap_makes_one_member(till: Client, world: World) -> None:
    before = members()
    form = details(begin(till))
    first = till.post("/counter/enrol/details/", form)
    second = till.post("/counter/enrol/details/", form)
    assert first["Location"] == second["Location"]
    assert members() == before + 1


def test_two_tills_with_one_phone_make_one_member(till: Client, desk: Client, world: World) -> None:
    before = members()
    here, there = begin(till), begin(desk)
    till.post("/counter/enrol/details/", details(here))
    page = desk.post("/counter/enrol/details/", details(there), follow=True).content.decode()
    assert "Already a member" in page
    assert members() == before + 1


@pytest.mark.parametrize("phone", ["", "123", "abc", "+86 1", "1" * 24, "'; --"])
def test_what_is_no_phone_number_is_said_to_be_none(till: Client, world: World, phone: str) -> None:
    assert till.post("/counter/enrol/", {"phone": phone}).status_code == 422
    assert till.get("/counter/enrol/details/").status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 81), ("birthday", "2999-01-01"), ("birthday", "soon"), ("sex", "cat")],
)
def test_bad_details_are_refused_beside_their_field(
    till: Client, world: World, field: str, value: str
) -> None:
    before = members()
    refused = till.post("/counter/enrol/details/", details(begin(till), **{field: value}))
    assert refused.status_code == 422
    assert members() == before


def test_a_code_proves_the_phone(till: Client, world: World, crew: Crew, settings: Any) -> None:
    settings.DEMO = True
    assert (
        till.post("/counter/enrol/", {"phone": NEW_PHONE, "go": "code"})["Location"] == "/counter/enrol/code/"
    )
    assert till.post("/counter/enrol/code/", {"code": "000000"}).status_code == 422
    assert (
        till.post("/counter/enrol/code/", {"code": last_code(crew.admin)})["Location"]
        == "/counter/enrol/details/"
    )
    till.post("/counter/enrol/details/", details(token_of(till.get("/counter/enrol/details/"))))
    person_id = customers.person_id_by("phone", NEW_PHONE)
    phone = customers.person(person_id or 0).active("phone")
    assert phone is not None
    assert phone.verified_at == world.now


def test_where_a_code_is_required_there_is_no_way_around_it(
    till: Client, world: World, settings: Any
) -> None:
    settings.COUNTER_ENROLMENT_CODE = "required"
    assert till.post("/counter/enrol/", {"phone": NEW_PHONE})["Location"] == "/counter/enrol/code/"
    assert till.get("/counter/enrol/details/")["Location"] == "/counter/enrol/"


def test_the_customer_may_join_on_their_own_phone_instead(till: Client, world: World) -> None:
    page = till.get("/counter/enrol/")
    assert page.context["join_url"].endswith(f"/m/login/?merchant={world.malls.cafe}&via=till")
