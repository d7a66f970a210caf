"""Log-in by phone and one-time code, joining, log-out, and what the session is worth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import reverse
from django.urls.converters import IntConverter, SlugConverter, StringConverter, UUIDConverter

from tests.people import NOW, Crew
from tests.ui.counter.world import LI_PHONE, SYSTEM, ZHANG_PHONE, World, last_code, log_in_staff
from zhike.customers import queries as customers
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.messaging import queries as messaging
from zhike.privacy import queries as privacy
from zhike.ui.components.sealed import seal, unseal
from zhike.ui.member.session import COOKIE
from zhike.ui.member.urls import urlpatterns

NEW_PHONE = "13600136000"
OPEN = {
    "log_in", "code", "join", "log_out", "policy", "offline", "service_worker", "manifest", "refuse", "notice", "picture",
    "follow", "survey", "touchpoint", "form", "form_kiosk", "send_form_code", "prove_form_phone",
}  # fmt: skip
EXAMPLES = {
    UUIDConverter: "00000000-0000-0000-0000-000000000001",
    IntConverter: 1,
    SlugConverter: "x",
    StringConverter: "x",
}
PERSONAL = [pattern.name for pattern in urlpatterns if pattern.name not in OPEN | {"about"}]
JOIN = {"name": "赵六", "sex": "male", "birthday": "1990-01-02", "consent-membership-any": "on"}


def address_of(name: str) -> str:
    (pattern,) = [pattern.pattern for pattern in urlpatterns if pattern.name == name]
    return reverse(f"member:{name}", args=[EXAMPLES[type(taken)] for taken in pattern.converters.values()])


def ask(phone: Client, name: str, **options: Any) -> Any:
    """Open the page, or send its form where there is nothing to open."""
    answer = phone.get(address_of(name), **options)
    return phone.post(address_of(name), **options) if answer.status_code == 405 else answer


@pytest.mark.parametrize("name", PERSONAL)
def test_a_stranger_is_sent_to_the_log_in(phone: Client, db: None, name: str) -> None:
    answer = ask(phone, name)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/m/login/")


@pytest.mark.parametrize("name", PERSONAL)
def test_over_htmx_the_whole_window_goes_there(phone: Client, db: None, name: str) -> None:
    answer = ask(phone, name, headers={"hx-request": "true"})
    assert answer["HX-Redirect"] == "/m/login/"


def test_staff_are_strangers_here(phone: Client, world: World, crew: Crew) -> None:
    assert log_in_staff(phone, crew.admin, NOW).get("/m/").status_code == 302


@pytest.mark.feature("C060")
def test_the_phone_s_owner_comes_in(phone: Client, world: World, enter: Callable[..., Any]) -> None:
    assert enter(phone)["Location"] == "/m/"
    page = phone.get("/m/")
    assert page.status_code == 200
    assert "张三丰" in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_where_one_wanted_to_go_is_remembered(phone: Client, world: World, enter: Callable[..., Any]) -> None:
    assert phone.get("/m/points/")["Location"] == "/m/login/?next=%2Fm%2Fpoints%2F"
    phone.get("/m/login/?next=%2Fm%2Fpoints%2F")
    assert enter(phone)["Location"] == "/m/points/"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/m/", "//evil.example", "/console/", "/m/../console/", "javascript:alert(1)"],
)
def test_nobody_is_led_astray(phone: Client, world: World, enter: Callable[..., Any], target: str) -> None:
    phone.get("/m/login/", {"next": target})
    assert enter(phone)["Location"] in ("/m/", "/m/../console/")


@pytest.mark.parametrize("typed", ["", "123", "abc", "1" * 25])
def test_what_is_no_phone_number_gets_no_code(phone: Client, world: World, crew: Crew, typed: str) -> None:
    assert phone.post("/m/login/", {"phone": typed}).status_code == 422
    assert messaging.outbox(crew.admin).messages == []


@pytest.mark.parametrize("typed", ["", "000000", "abcdef", "1" * 9])
def test_a_wrong_code_opens_nothing(phone: Client, world: World, typed: str) -> None:
    phone.post("/m/login/", {"phone": ZHANG_PHONE})
    assert phone.post("/m/login/code/", {"code": typed}).status_code == 422
    assert phone.get("/m/").status_code == 302


def test_a_code_is_good_once_and_not_for_ever(
    phone: Client, world: World, crew: Crew, settings: Any, clock: time_machine.Traveller
) -> None:
    settings.DEMO = True
    phone.post("/m/login/", {"phone": ZHANG_PHONE})
    code = last_code(crew.admin)
    other = Client()
    other.post("/m/login/", {"phone": LI_PHONE})
    assert other.post("/m/login/code/", {"code": code}).status_code == 422
    clock.shift(dt.timedelta(minutes=11))
    assert phone.post("/m/login/code/", {"code": code}).status_code == 422
    phone.post("/m/login/", {"phone": ZHANG_PHONE})
    code = last_code(crew.admin)
    assert phone.post("/m/login/code/", {"code": code}).status_code == 302
    again = Client()
    session = SessionStore()
    session["phone"] = seal("+86" + ZHANG_PHONE)
    session.save()
    again.cookies[COOKIE] = session.session_key or ""
    assert again.post("/m/login/code/", {"code": code}).status_code == 422


def test_codes_are_limited_for_a_phone_and_for_an_address(phone: Client, world: World, crew: Crew) -> None:
    assert phone.post("/m/login/", {"phone": ZHANG_PHONE}).status_code == 302
    assert phone.post("/m/login/", {"phone": ZHANG_PHONE}).status_code == 422
    answers = [phone.post("/m/login/", {"phone": f"1360013600{n}"}).status_code for n in range(10)]
    assert answers.count(302) == 8
    assert len(messaging.outbox(crew.admin).messages) == 9


def test_nobody_learns_here_who_is_a_member(phone: Client, world: World) -> None:
    known = phone.post("/m/login/", {"phone": ZHANG_PHONE})
    unknown = Client().post("/m/login/", {"phone": NEW_PHONE})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_no_phone_lies_open_in_a_session(phone: Client, world: World, crew: Crew, settings: Any) -> None:
    settings.DEMO = True
    phone.post("/m/login/", {"phone": NEW_PHONE})
    kept = SessionStore(phone.cookies[COOKIE].value)
    assert NEW_PHONE not in str(kept.load()) and unseal(kept["phone"]) == "+86" + NEW_PHONE
    phone.post("/m/login/code/", {"code": last_code(crew.admin)})
    kept = SessionStore(phone.cookies[COOKIE].value)
    assert NEW_PHONE not in str(kept.load()) and unseal(kept["joining"]["phone"]) == "+86" + NEW_PHONE
    assert unseal("+86" + NEW_PHONE) is None


def test_the_key_of_the_session_changes(phone: Client, world: World, enter: Callable[..., Any]) -> None:
    phone.get("/m/login/?next=/m/points/")
    before = phone.cookies[COOKIE].value
    enter(phone)
    cookie = phone.cookies[COOKIE]
    assert cookie.value not in ("", before)
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/m/", True, "Lax")
    assert not SessionStore().exists(before)


def test_staff_and_member_in_one_browser_leave_each_other_alone(
    phone: Client, world: World, crew: Crew, enter: Callable[..., Any]
) -> None:
    log_in_staff(phone, crew.li, NOW)
    enter(phone)
    assert phone.get("/counter/").status_code == 200
    assert phone.get("/m/").status_code == 200
    phone.post("/m/logout/")
    assert phone.get("/counter/").status_code == 200
    assert phone.get("/m/").status_code == 302


def test_logging_out_ends_the_session_on_the_server_too(zhang: Client) -> None:
    kept = zhang.cookies[COOKIE].value
    answer = zhang.post("/m/logout/")
    assert answer["Clear-Site-Data"] == '"cache"'
    thief = Client()
    thief.cookies[COOKIE] = kept
    assert thief.get("/m/").status_code == 302


@pytest.mark.parametrize("key", ["", "forged", "x" * 32, "../../etc/passwd", "%00"])
def test_a_forged_session_is_none(phone: Client, world: World, key: str) -> None:
    phone.cookies[COOKIE] = key
    assert phone.get("/m/").status_code == 302


def test_a_closed_membership_ends_the_session(zhang: Client, world: World) -> None:
    loyalty_operations.set_member_status(
        actor=SYSTEM, member_id=world.zhang.member_id, status="closed", reason="test", now=NOW
    )
    assert zhang.get("/m/").status_code == 302


def test_the_session_lives_on_while_it_is_used(zhang: Client, clock: time_machine.Traveller) -> None:
    for _ in range(3):
        clock.shift(dt.timedelta(days=20))
        assert zhang.get("/m/").status_code == 200
    clock.shift(dt.timedelta(days=31))
    assert zhang.get("/m/").status_code == 302


def test_forms_need_their_token(world: World) -> None:
    careful = Client(enforce_csrf_checks=True)
    assert careful.post("/m/login/", {"phone": ZHANG_PHONE}).status_code == 403


class TestJoining:
    @pytest.fixture
    def new(self, phone: Client, enter: Callable[..., Any]) -> Client:
        """Someone new who proved their phone."""
        assert enter(phone, NEW_PHONE)["Location"] == "/m/join/"
        return phone

    @pytest.mark.feature("C060")
    def test_a_new_member_comes_in_at_once(self, new: Client, world: World) -> None:
        page = new.get("/m/join/").content.decode()
        assert " checked" not in page
        assert "我们为会员服务处理您的手机号与消费记录。" in page
        assert new.post("/m/join/", JOIN)["Location"] == "/m/"
        person_id = customers.person_id_by("phone", NEW_PHONE)
        assert person_id is not None
        given = {(row.purpose, row.channel): row for row in privacy.current_consents(person_id)}
        assert given["membership", "any"].decision == "granted"
        assert given["marketing", "sms"].decision == "refused"
        assert given["marketing", "sms"].evidence["agent"] == "a phone"
        phone = customers.person(person_id).active("phone")
        assert phone is not None
        assert phone.verified_at == NOW
        assert new.get("/m/").status_code == 200

    def test_it_is_done_once(self, new: Client, world: World) -> None:
        new.post("/m/join/", JOIN)
        before = loyalty.members_count(SYSTEM)
        assert new.post("/m/join/", JOIN)["Location"] == "/m/login/"
        assert loyalty.members_count(SYSTEM) == before

    @pytest.mark.parametrize(
        "changes",
        [
            {"consent-membership-any": ""},
            {"name": ""},
            {"name": "x" * 81},
            {"birthday": "2030-01-01"},
            {"sex": "cat"},
        ],
    )
    def test_bad_input_makes_nobody_a_member(
        self, new: Client, world: World, changes: dict[str, str]
    ) -> None:
        filled = {name: value for name, value in (JOIN | changes).items() if value or name == "name"}
        assert new.post("/m/join/", filled).status_code == 422
        assert customers.person_id_by("phone", NEW_PHONE) is None

    def test_the_proof_of_the_phone_ends(
        self, new: Client, world: World, clock: time_machine.Traveller
    ) -> None:
        clock.shift(dt.timedelta(minutes=16))
        assert new.post("/m/join/", JOIN)["Location"] == "/m/login/"
        assert customers.person_id_by("phone", NEW_PHONE) is None

    def test_nobody_joins_without_the_proof(self, phone: Client, world: World) -> None:
        phone.post("/m/login/", {"phone": NEW_PHONE})
        assert phone.post("/m/join/", JOIN)["Location"] == "/m/login/"
        assert customers.person_id_by("phone", NEW_PHONE) is None

    @pytest.mark.feature("C060")
    @pytest.mark.parametrize("query", ["merchant={cafe}&via=till", "mall={star}&via=poster"])
    def test_where_they_came_from_is_kept(
        self, phone: Client, world: World, enter: Callable[..., Any], query: str
    ) -> None:
        phone.get("/m/login/?" + query.format(cafe=world.malls.cafe, star=world.malls.star))
        enter(phone, NEW_PHONE)
        phone.post("/m/join/", JOIN)
        member_id = loyalty.member_id_of_person(customers.person_id_by("phone", NEW_PHONE) or 0)
        file = loyalty.member_file(SYSTEM, member_id or 0, NOW)
        assert file.mall_id == world.malls.star
        assert (file.merchant_id, file.source) in [(world.malls.cafe, "h5-till"), (None, "h5-poster")]

    @pytest.mark.parametrize(
        "query",
        ["merchant=999999", "merchant=x", "mall=999999", "mall=-1", "via=<script>", "merchant=" + "9" * 30],
    )
    def test_a_made_up_origin_is_passed_over(
        self, phone: Client, world: World, enter: Callable[..., Any], query: str
    ) -> None:
        assert phone.get("/m/login/?" + query).status_code == 200
        enter(phone, NEW_PHONE)
        assert phone.post("/m/join/", JOIN)["Location"] == "/m/"
