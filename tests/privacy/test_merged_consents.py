"""What merged persons agreed to: merging never widens a consent, parting never forgets a no."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from zhike.loyalty import operations as loyalty
from zhike.privacy import operations, queries, rules

pytestmark = pytest.mark.feature("N5", "C033")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOURS = [START + dt.timedelta(hours=hour) for hour in range(8)]
STANDINGS = st.lists(
    st.builds(
        rules.Standing,
        st.just("marketing"),
        st.sampled_from(["sms", "email", "any"]),
        st.sampled_from(["granted", "refused", "withdrawn"]),
        st.sampled_from(HOURS),
    ),
    max_size=4,
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no finding."""


def allowed(sides: Sequence[Sequence[rules.Standing]], channel: str) -> bool:
    return all(rules.may_contact(side, "marketing", channel) for side in sides)


@PATIENT
@given(
    first=STANDINGS,
    second=STANDINGS,
    third=STANDINGS,
    since=st.sampled_from(HOURS),
    later=st.sampled_from(HOURS),
)
def test_merging_never_widens(
    first: list[rules.Standing],
    second: list[rules.Standing],
    third: list[rules.Standing],
    since: dt.datetime,
    later: dt.datetime,
) -> None:
    """Whatever was decided before the merge: together they allow only what each allowed alone."""
    sides = [
        rules._newest([one for one in side if one.decided_at < since]) for side in (first, second, third)
    ]
    moment = max(since, later)
    shared = rules.of_sides([(None, sides[0]), (since, sides[1]), (moment, sides[2])])
    for channel in ("sms", "email", "phone"):
        if allowed(shared, channel):
            assert all(rules.may_contact(side, "marketing", channel) for side in sides)


@PATIENT
@given(first=STANDINGS, second=STANDINGS, since=st.sampled_from(HOURS))
def test_a_later_no_is_a_no_for_both(
    first: list[rules.Standing], second: list[rules.Standing], since: dt.datetime
) -> None:
    last = dt.timedelta(days=9) + START
    refusal = rules.Standing("marketing", "sms", "refused", last)
    for own in ([*first, refusal], second), (first, [*second, refusal]):
        sides = [rules._newest(side) for side in own]
        assert not allowed(rules.of_sides([(None, sides[0]), (since, sides[1])]), "sms")


@pytest.fixture
def town(db: None) -> Town:
    return build_town()


def test_the_stricter_holds_and_a_no_outlives_the_merge(town: Town) -> None:
    operations.publish_policy(
        actor=SYSTEM, group_id=town.group_id, version="1", title="隐私政策", text="…", terms={}, now=NOW
    )
    one, other = (
        loyalty.enroll_member(
            actor=SYSTEM,
            name="张三",
            phone=f"1380013800{no}",
            mall_id=town.mall_id,
            source="counter",
            now=NOW,
        )
        for no in (1, 2)
    )

    def decide(person_id: int, decision: str, purpose: str, hours: int) -> None:
        operations.record_consents(
            actor=SYSTEM,
            person_id=person_id,
            decisions=[operations.Decision(purpose, "sms", decision)],
            policy_version="1",
            method="counter_tick",
            evidence={},
            now=NOW + dt.timedelta(hours=hours),
        )

    def standing() -> list[tuple[bool, bool]]:
        return [
            (
                queries.may_contact(member.person_id, "marketing", "sms"),
                queries.may_contact(member.person_id, "sharing", "sms"),
            )
            for member in (one, other)
        ]

    for purpose in ("marketing", "sharing"):
        decide(one.person_id, "granted", purpose, 0)
    decide(other.person_id, "granted", "sharing", 0)
    assert standing() == [(True, True), (False, True)]
    outcome = loyalty.merge_persons(
        actor=SYSTEM,
        survivor_id=one.person_id,
        merged_id=other.person_id,
        reason="同一人",
        now=NOW + dt.timedelta(hours=1),
    )
    assert standing() == [(False, True), (False, True)]
    assert queries.decisions_on([one.person_id, other.person_id], "marketing") == {}
    decide(other.person_id, "granted", "marketing", 2)
    assert standing() == [(True, True), (True, True)]
    operations.withdraw_consent(
        actor=SYSTEM,
        person_id=one.person_id,
        purpose="sharing",
        channel="sms",
        method="member_app",
        now=NOW + dt.timedelta(hours=3),
    )
    assert standing() == [(True, False), (True, False)]
    assert not queries.may_ask_again(other.person_id, "sharing", "sms", NOW + dt.timedelta(hours=4))
    loyalty.unmerge_persons(
        actor=SYSTEM, merge_id=outcome.merge_id, reason="并错了", now=NOW + dt.timedelta(hours=5)
    )
    assert standing() == [(True, False), (True, False)]
    [carried] = [row for row in queries.consent_history(other.person_id) if row.method == "unmerge"]
    assert (carried.decision, carried.purpose) == ("withdrawn", "sharing")
