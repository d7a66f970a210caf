"""From an empty installation to the first receipt, in the browser only."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client

from tests.kernel.threads import run_threads
from tests.people import PASSWORD, Malls
from tests.ui.console.conftest import HTMX, said
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.loyalty.models import EarningRule, Program, Tier
from zhike.organization import queries
from zhike.organization.models import Group, Mall, Staff
from zhike.organization.operations import founding, structure
from zhike.organization.operations.staff import create_staff
from zhike.privacy import queries as privacy
from zhike.ui.cli.staff import staff as staff_command

pytestmark = pytest.mark.feature("C004", "N4")

SYSTEM = system_viewer("tests")
START = "/console/founding/"
GROUP = {"name": "示例商业集团", "code": "example", "app_name": "示例会员"}
MALL = {"name": "星河城", "code": "xhc", "address": "星河路 88 号", "time_zone": "Asia/Shanghai"}
PROGRAMME = {
    "name": "示例会员计划", "code": "main", "tier_name": "普卡", "tier_colour": "slate", "rule_name": "消费积分",
    "points": "1", "per_fen": "1",
}  # fmt: skip
POLICY = {
    "title": "会员个人信息处理规则", "version": "2026-11", "text": "我们处理您的手机号。", "purposes": ["marketing"],
    "membership_days": "1825", "other_days": "730",
}  # fmt: skip
STEPS: dict[str, dict[str, Any]] = {"group": GROUP, "mall": MALL, "programme": PROGRAMME, "policy": POLICY}


@pytest.fixture
def first(db: None, client: Client) -> Client:
    """The first administrator, made on the command line, logged in on an empty database."""
    made = CliRunner().invoke(
        staff_command, ["create", "lin", "--name", "林总", "--role", "admin"], env={"ZHIKE_STAFF_PASSWORD": PASSWORD}
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    answer = client.post("/console/login/", {"username": "lin", "password": PASSWORD})
    assert answer.status_code == 302, said(answer)
    return client


def take(client: Client, *steps: str) -> None:
    for step in steps:
        answer = client.post(f"{START}{step}/", STEPS[step])
        assert answer.status_code == 302, (step, said(answer))


def test_the_first_log_in_is_led_through_four_steps_to_an_open_house(first: Client) -> None:
    assert first.get("/console/").headers["Location"] == START
    for step in STEPS:
        assert first.get(START).headers["Location"] == f"{START}{step}/"
        shown = first.get(f"{START}{step}/")
        assert shown.status_code == 200
        take(first, step)
    page = said(first.get(START))
    assert all(
        text in page
        for text in ("示例商业集团", "星河城", "示例会员计划", "2026-11", "/console/merchants/new/")
    )
    assert first.get("/console/").status_code == 200, "the dashboard is there from now on"
    group = queries.default_group()
    assert (group.name, group.app_name) == ("示例商业集团", "示例会员")
    assert Staff.objects.get(username="lin").group_id == group.id
    [rule] = loyalty_queries.rules(SYSTEM, loyalty_queries.default_program_id() or 0, clock.now())
    assert rule.current is not None
    assert rule.current.definition == {"base": {"points": 1, "per_fen": 100}}
    assert privacy.current_policy(group.id).terms["marketing"] == {
        "categories": ["phone"],
        "retention_days": 730,
    }
    assert Client().get("/m/login/").content.decode().count("示例会员") >= 2, (
        "members see the name of their app"
    )
    assert Client().get("/m/manifest.webmanifest").json()["short_name"] == "示例会员"


def test_a_member_joins_and_earns_in_the_house_just_founded(first: Client) -> None:
    from tests.ui.console.world import sell

    take(first, *STEPS)
    mall = queries.malls(SYSTEM)[0]
    answer = first.post("/console/merchants/new/", {"code": "L101", "name": "晨光咖啡"})
    assert answer.status_code == 302, said(answer)
    merchant = queries.merchants(SYSTEM)[0]
    now = clock.now()
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=mall.id, source="counter", method="counter",
        policy_version="2026-11", consents=[("membership", "any", "granted")], evidence={}, now=now,
    )  # fmt: skip
    sell(mall.id, merchant.id, 128_00, clock.now(), member.person_id, clock.now())
    assert loyalty_queries.member_file(SYSTEM, member.member_id, now).balance == 128


def test_every_step_can_be_sent_twice_and_left_in_between(first: Client) -> None:
    take(first, "group")
    take(first, "group")
    assert Group.objects.count() == 1
    assert first.get(f"{START}policy/").headers["Location"] == START, "its turn has not come"
    assert first.post(f"{START}policy/", POLICY).headers["Location"] == START
    assert "开业设置" in said(first.get("/console/members/")), "other pages say that something is missing"
    take(first, "mall")
    take(first, "mall", "programme", "programme", "policy", "policy")
    assert (Mall.objects.count(), Program.objects.count(), Tier.objects.count(), EarningRule.objects.count()) == (
        1, 1, 1, 1,
    )  # fmt: skip
    assert len(privacy.policies(queries.default_group().id)) == 1
    assert "尚未开业" not in said(first.get("/console/members/"))


@pytest.mark.parametrize(
    ("step", "field", "value"),
    [
        ("group", "name", ""),
        ("group", "code", "a b"),
        ("group", "app_name", "会" * 41),
        ("mall", "time_zone", "Mars/Olympus"),
        ("programme", "points", "-1"),
        ("programme", "per_fen", "0"),
        ("programme", "per_fen", "1e9"),
        ("programme", "tier_colour", "url(x)"),
        ("policy", "membership_days", "0"),
        ("policy", "text", ""),
        ("policy", "purposes", "mind-reading"),
    ],
)
def test_bad_input_is_shown_at_its_field_and_changes_nothing(
    first: Client, step: str, field: str, value: str
) -> None:
    take(first, *list(STEPS)[: list(STEPS).index(step)])
    before = AuditEntry.objects.count()
    answer = first.post(f"{START}{step}/", STEPS[step] | {field: value})
    assert answer.status_code == 422
    assert "field-error" in said(answer) or 'role="alert"' in said(answer)
    assert AuditEntry.objects.count() == before
    assert first.get(START).headers["Location"] == f"{START}{step}/"


@pytest.mark.parametrize(
    "url",
    ["members/", "receipts/", "redemptions/", "programme/", "tiers/", "rules/", "policy/", "merchants/", "malls/",
     "imports/", "parked-events/", "audit/", "staff/", "api-keys/", "account/", "staff/new/", "search/?q=x"],
)  # fmt: skip
def test_no_page_breaks_before_anything_is_there(first: Client, url: str) -> None:
    assert first.get(f"/console/{url}").status_code == 200


@pytest.mark.parametrize("url", ["/m/", "/m/login/", "/m/manifest.webmanifest", "/counter/", "/api/docs"])
def test_other_doors_stand_before_anything_is_there(first: Client, url: str) -> None:
    assert first.get(url, follow=True).status_code in (200, 403)


def test_the_policy_that_is_not_there_is_a_sentence(first: Client) -> None:
    assert "尚未开业" in said(first.get("/m/policy/"))


def test_only_who_may_edit_house_and_programme_founds(malls: Malls, enter: Any, desks: Any) -> None:
    for viewer in (desks.wang, desks.chen, desks.tang):
        client = enter(viewer)
        assert client.get(START).status_code == 403
        assert client.post(f"{START}group/", GROUP).status_code == 403
    for nobody in (viewer for viewer in (desks.wang, desks.chen)):
        with pytest.raises(NotAllowed):
            founding.found_group(actor=nobody, code="x", name="x", now=clock.now())
        with pytest.raises(NotAllowed):
            loyalty.found_program(
                actor=nobody, group_id=malls.group, code="x", name="x", now=clock.now(),
                terms=loyalty.FirstTerms("普卡", "slate", "消费积分"),
            )  # fmt: skip
    assert Group.objects.count() == 1
    assert not Program.objects.filter(code="x").exists()


def test_a_house_that_stands_is_not_founded_again(admin: Client) -> None:
    assert admin.get(START).status_code == 200
    assert admin.post(f"{START}group/", GROUP).headers["Location"] == START
    assert not Group.objects.filter(code="example").exists()


def test_a_half_made_programme_is_completed(malls: Malls) -> None:
    now = clock.now()
    made = loyalty.create_program(actor=SYSTEM, group_id=malls.group, code="old", name="老计划", now=now)
    terms = loyalty.FirstTerms("普卡", "slate", "消费积分", points=2, per_fen=300)
    arguments = {"actor": SYSTEM, "group_id": malls.group, "code": "new", "name": "新计划", "terms": terms}
    assert loyalty.found_program(**arguments, now=now) == made
    assert loyalty.found_program(**arguments, now=now) == made
    assert [tier.name for tier in loyalty_queries.tiers(made)] == ["普卡"]
    [rule] = loyalty_queries.rules(SYSTEM, made, now)
    assert [version.definition for version in rule.versions] == [{"base": {"points": 2, "per_fen": 300}}]
    assert loyalty_queries.program_name(made) == "老计划"


# --- afterwards ------------------------------------------------------------


def test_group_and_app_get_another_name(admin: Client, enter: Any, desks: Any) -> None:
    assert 'name="app_name"' in said(admin.get("/console/group/", headers=HTMX))
    fields = {"name": "星河集团", "app_name": "星河会"}
    assert admin.post("/console/group/", fields, headers=HTMX).status_code == 200
    assert (queries.default_group().name, queries.default_group().app_name) == ("星河集团", "星河会")
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.after) == ("group.update", fields)
    admin.post("/console/group/", fields, headers=HTMX)
    assert AuditEntry.objects.latest("id").pk == entry.pk, "what is equal already is left alone"
    assert admin.post("/console/group/", {"name": " "}, headers=HTMX).status_code == 422
    assert (
        enter(desks.wang).post("/console/group/", fields | {"name": "别家"}, headers=HTMX).status_code == 422
    )
    with pytest.raises(NotAllowed):
        structure.update_group(
            actor=desks.wang, group_id=queries.default_group().id, name="别家", app_name="", now=clock.now()
        )
    assert queries.default_group().name == "星河集团"


def test_a_new_version_of_the_policy_is_published_once(admin: Client, enter: Any, desks: Any) -> None:
    start = said(admin.get("/console/policy/new/"))
    assert privacy.current_policy(queries.default_group().id).text in start, "it starts from the one in force"
    fields = POLICY | {"version": "2027-01", "once": "a" * 32}
    assert admin.post("/console/policy/new/", fields).status_code == 302
    assert admin.post("/console/policy/new/", fields).status_code == 302
    group_id = queries.default_group().id
    assert [one.version for one in privacy.policies(group_id)] == ["2027-01", "2026-01"]
    taken = admin.post("/console/policy/new/", POLICY | {"version": "2027-01", "text": "换了一段文字"})
    assert taken.status_code == 422
    assert "2027-01" in said(admin.get("/console/policy/"))
    wang = enter(desks.wang)
    assert wang.get("/console/policy/").status_code == 200
    assert "/console/policy/new/" not in said(wang.get("/console/policy/"))
    assert wang.post("/console/policy/new/", fields | {"version": "2028"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_found_one_house() -> None:
    """Staff without a group join it; whoever comes second finds what is there."""
    now = clock.now()
    staff_id = create_staff(actor=SYSTEM, group_id=None, username="lin", name="林总", password=None, now=now)
    terms = loyalty.FirstTerms("普卡", "slate", "消费积分")

    def found(number: int) -> int:
        group_id = founding.found_group(actor=SYSTEM, code=f"g{number}", name=f"集团{number}", now=now)
        return loyalty.found_program(
            actor=SYSTEM, group_id=group_id, code=f"p{number}", name=f"计划{number}", terms=terms, now=now
        )

    made = run_threads([partial(found, number) for number in range(16)])
    assert len(set(made)) == 1
    assert (Group.objects.count(), Program.objects.count(), EarningRule.objects.count()) == (1, 1, 1)
    assert Staff.objects.get(pk=staff_id).group_id == Group.objects.get().pk
