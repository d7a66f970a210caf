"""The matrix of roles: deny by default, and nobody gives what they do not have."""

from __future__ import annotations

import pytest

from tests.people import NOW, Crew, Malls, hire
from zhike.kernel.access import may_touch, system_viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.organization import queries, rules
from zhike.organization.models import RoleGrant
from zhike.organization.operations import staff

ACTOR = system_viewer("tests")


@pytest.mark.feature("C028")
@pytest.mark.parametrize("role", ["cashier", "sales_associate", "auditor", "marketer", "merchant_manager"])
def test_role_may_exactly_what_the_table_says(role: str) -> None:
    expected = {
        "cashier": (
            (
                "members.lookup members.enroll receipts.view receipts.record receipts.return receipts.claim"
                " points.view points.redeem programme.view coupons.use tickets.open"
            ),
            "",
        ),
        "sales_associate": (
            "members.lookup members.enroll receipts.record programme.view tickets.open tags.give",
            (
                "members.view members.edit members.reveal receipts.view points.view tickets.view"
                " follow_ups.view follow_ups.work"
            ),
        ),
        "auditor": (
            (
                "dashboard.view members.view receipts.view points.view ledger.verify finance.view programme.view imports.view"
                " events.view audit.view organization.view offers.view messages.view collection.view tickets.view rewards.view"
                " segments.view rights.view follow_ups.view quality.view"
                " engagement.view campaigns.view risk.view forms.view"
            ),
            "",
        ),
        "marketer": (
            (
                "dashboard.view members.view points.view programme.view organization.view offers.view offers.edit"
                " coupons.issue messages.view messages.send templates.edit collection.view segments.view segments.edit"
                " engagement.view engagement.edit"
                " rewards.view rewards.edit"
                " campaigns.view campaigns.edit tags.give forms.view forms.edit forms.submit"
            ),
            "",
        ),
        "merchant_manager": (
            (
                "dashboard.view members.lookup members.view members.enroll receipts.view receipts.record"
                " receipts.return receipts.claim points.view points.redeem programme.view organization.view"
                " offers.view coupons.use tickets.view tickets.open tickets.answer rewards.view tags.give"
                " follow_ups.view follow_ups.work"
            ),
            "",
        ),
    }[role]
    assert rules.ROLES[role].permissions == frozenset(expected[0].split())
    assert rules.ROLES[role].own_permissions == frozenset(expected[1].split())


@pytest.mark.feature("C028")
def test_matrix_is_whole_and_only_admin_may_everything() -> None:
    assert rules.ROLES["admin"].permissions == rules.PERMISSIONS
    assert all(role.permissions < rules.PERMISSIONS for name, role in rules.ROLES.items() if name != "admin")
    assert all(not role.permissions & role.own_permissions for role in rules.ROLES.values())


@pytest.mark.feature("C028")
def test_unknown_roles_and_levels_open_nothing() -> None:
    assert rules.scopes_of([("king", "all", 0), ("cashier", "galaxy", 1)], 7) == []


def test_role_at_level_own_covers_only_the_own_members() -> None:
    assert rules.scopes_of([("marketer", "own", 99)], 7) == [
        (rules.ROLES["marketer"].all_permissions, "own", frozenset({7}))
    ]


@pytest.mark.feature("C029")
def test_cashier_records_at_the_own_merchant_only(crew: Crew, malls: Malls) -> None:
    cafe = queries.levels_of("merchant", malls.cafe)
    jeweller = queries.levels_of("merchant", malls.jeweller)
    noodles = queries.levels_of("merchant", malls.noodles)
    assert may_touch(crew.li, "receipts.record", **cafe)
    assert not may_touch(crew.li, "receipts.record", **jeweller)
    assert not may_touch(crew.li, "receipts.record", **noodles)
    assert may_touch(crew.zhao, "receipts.record", **noodles)
    assert may_touch(crew.wang, "receipts.record", **jeweller)
    assert not may_touch(crew.wang, "receipts.record", **noodles)


@pytest.mark.feature("C028")
def test_staff_without_a_role_may_nothing(crew: Crew) -> None:
    assert not any(crew.nobody.may(permission) for permission in rules.PERMISSIONS)


@pytest.mark.feature("C028")
def test_mall_manager_gives_roles_in_the_own_mall_only(crew: Crew, malls: Malls) -> None:
    newcomer = crew.nobody.id or 0
    staff.grant_role(
        actor=crew.wang, staff_id=newcomer, role="cashier", level="merchant", target_id=malls.cafe, now=NOW
    )
    assert queries.viewer_of_staff(newcomer).may("receipts.record")
    for actor in (crew.qian, crew.chen, crew.li, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            staff.grant_role(
                actor=actor,
                staff_id=newcomer,
                role="cashier",
                level="merchant",
                target_id=malls.jeweller,
                now=NOW,
            )
    assert RoleGrant.objects.filter(staff_id=newcomer).count() == 1


@pytest.mark.feature("C028")
def test_nobody_gives_more_than_they_have(crew: Crew, malls: Malls) -> None:
    newcomer = crew.nobody.id or 0
    for role, level, target_id in [
        ("admin", "mall", malls.star),
        ("operations", "mall", malls.star),
        ("auditor", "mall", malls.star),
        ("mall_manager", "all", 0),
        ("cashier", "merchant", malls.noodles),
    ]:
        with pytest.raises(NotAllowed):
            staff.grant_role(
                actor=crew.wang, staff_id=newcomer, role=role, level=level, target_id=target_id, now=NOW
            )
    assert not RoleGrant.objects.filter(staff_id=newcomer).exists()


def test_grant_is_idempotent_and_revoked_at_once(crew: Crew, malls: Malls) -> None:
    li = crew.li.id or 0
    [grant] = queries.staff_member(li).grants
    again = staff.grant_role(
        actor=ACTOR, staff_id=li, role="cashier", level="merchant", target_id=malls.cafe, now=NOW
    )
    assert again == grant.id
    with pytest.raises(NotAllowed):
        staff.revoke_role(actor=crew.qian, grant_id=grant.id, now=NOW)
    assert queries.viewer_of_staff(li).may("receipts.record")
    staff.revoke_role(actor=crew.wang, grant_id=grant.id, reason="调岗", now=NOW)
    assert not queries.viewer_of_staff(li).may("receipts.record")


@pytest.mark.parametrize(
    ("role", "level", "target_id"),
    [("king", "all", 0), ("cashier", "merchant", 0), ("cashier", "all", 3), ("cashier", "own", 999_999)],
)
def test_nonsense_grants_are_refused(crew: Crew, role: str, level: str, target_id: int) -> None:
    with pytest.raises(staff.UnknownRole):
        staff.grant_role(
            actor=ACTOR, staff_id=crew.li.id or 0, role=role, level=level, target_id=target_id, now=NOW
        )


def test_grant_at_a_missing_place_is_refused(crew: Crew) -> None:
    with pytest.raises(NotFound):
        staff.grant_role(
            actor=ACTOR, staff_id=crew.li.id or 0, role="cashier", level="merchant", target_id=10**9, now=NOW
        )


def test_managers_see_the_staff_of_their_places(crew: Crew, malls: Malls) -> None:
    crew.all()
    assert {view.username for view in queries.staff_list(crew.wang)} == {
        "wang", "sun", "he", "li", "zhou", "tang",
    }  # fmt: skip
    assert len(queries.staff_list(crew.admin)) == 13
    with pytest.raises(NotAllowed):
        queries.staff_list(crew.li)
    both = hire(
        malls, "both", "双店", ("cashier", "merchant", malls.cafe), ("cashier", "merchant", malls.noodles)
    )
    assert both.id not in {view.id for view in queries.staff_list(crew.wang)}
    with pytest.raises(NotFound):
        queries.visible_staff(both.id or 0, crew.wang)
