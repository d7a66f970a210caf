"""The gates as a pure function: in order, named, and nothing of an offer ever passes one that is closed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.messaging.rules import gates, inbound, wording

ZONE = ZoneInfo("Asia/Shanghai")
NOON = dt.datetime(2026, 3, 9, 12, 0, tzinfo=ZONE)
POLICY = gates.Policy(channel_per_day={"sms": 1}, channel_per_month={"sms": 4}, budget=1_000_000)


def offer(**changes: object) -> gates.Facts:
    """An offer that passes all gates."""
    good = gates.Facts(
        kind="marketing", channel="sms", local=NOON, created_at=NOON, has_consent=True, cost=4_500
    )
    return dataclasses.replace(good, **changes)


@pytest.mark.feature("C128")
def test_an_offer_in_order_goes() -> None:
    assert gates.decide(offer(), POLICY) == gates.GO


@pytest.mark.feature("B19", "B45")
@pytest.mark.parametrize(
    ("changes", "gate", "reason"),
    [
        ({"expires_at": NOON}, "expired", "expired"),
        ({"has_address": False}, "address", "no_address"),
        ({"is_member": False}, "consent", "not_a_member"),
        ({"has_consent": False}, "consent", "no_consent"),
        ({"birthday": dt.date(2008, 3, 10)}, "minor", "minor"),
        ({"is_suppressed": True}, "suppressed", "refused_by_reply"),
        ({"is_gone": True}, "suppressed", "person_gone"),
        ({"sendings": gates.Sendings(1, 1, 1, 1)}, "frequency", "channel_per_day"),
        ({"sendings": gates.Sendings(0, 4, 0, 4)}, "frequency", "channel_per_month"),
        ({"sendings": gates.Sendings(0, 0, 2, 2)}, "frequency", "total_per_day"),
        ({"sendings": gates.Sendings(0, 0, 0, 8)}, "frequency", "total_per_month"),
        ({"wording_fault": "banned_content"}, "template", "banned_content"),
        ({"has_account": False}, "account", "no_account"),
        ({"spent": 996_000}, "budget", "budget_spent"),
    ],
)
@pytest.mark.feature("D20")
def test_each_gate_refuses_by_its_name(changes: dict[str, object], gate: str, reason: str) -> None:
    verdict = gates.decide(offer(**changes), POLICY)
    assert (verdict.decision, verdict.gate, verdict.reason) == ("refuse", gate, reason)


def test_eighteenth_birthday_opens_the_gate() -> None:
    assert gates.decide(offer(birthday=dt.date(2008, 3, 9)), POLICY) == gates.GO


@pytest.mark.feature("B19")
@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-03-09T21:00", "2026-03-10T08:00"),
        ("2026-03-09T20:59", None),
        ("2026-03-10T07:59", "2026-03-10T08:00"),
        ("2026-03-10T08:00", None),
    ],
)
@pytest.mark.feature("D19")
def test_quiet_hours_postpone_to_their_end(at: str, until: str | None) -> None:
    local = dt.datetime.fromisoformat(at).replace(tzinfo=ZONE)
    verdict = gates.decide(offer(local=local, created_at=local), POLICY)
    if until is None:
        assert verdict == gates.GO
    else:
        assert verdict.decision == "wait"
        assert verdict.until == dt.datetime.fromisoformat(until).replace(tzinfo=ZONE)
        dropping = dataclasses.replace(POLICY, when_quiet="drop")
        assert gates.decide(offer(local=local, created_at=local), dropping).reason == "quiet_hours"


@pytest.mark.feature("B19")
@pytest.mark.feature("D19")
def test_own_hours_holidays_and_expiry_are_kept_together() -> None:
    own = (dt.time(11), dt.time(14))
    assert gates.decide(offer(own_quiet=own), POLICY).until == NOON.replace(hour=14)
    monday = frozenset({NOON.date()})
    verdict = gates.decide(offer(holidays=monday), POLICY)
    assert (verdict.reason, verdict.until) == ("holiday", NOON.replace(hour=8) + dt.timedelta(days=1))
    too_late = gates.decide(offer(own_quiet=own, expires_at=NOON.replace(hour=13)), POLICY)
    assert (too_late.decision, too_late.reason) == ("refuse", "postponed_too_long")
    week = frozenset(NOON.date() + dt.timedelta(days=n) for n in range(7))
    assert gates.decide(offer(holidays=week), POLICY).reason == "postponed_too_long"


times = st.times().map(lambda t: t.replace(microsecond=0))
facts = st.builds(
    gates.Facts,
    kind=st.sampled_from(["code", "service", "marketing"]),
    channel=st.sampled_from(["sms", "email", "inbox"]),
    local=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 12, 31), timezones=st.just(ZONE)),
    created_at=st.just(dt.datetime(2026, 6, 1, tzinfo=ZONE)),
    expires_at=st.none() | st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1), timezones=st.just(ZONE)),
    has_address=st.booleans(),
    is_member=st.booleans(),
    has_consent=st.booleans(),
    birthday=st.none() | st.dates(dt.date(1950, 1, 1), dt.date(2020, 1, 1)),
    is_gone=st.booleans(),
    is_suppressed=st.booleans(),
    sendings=st.builds(gates.Sendings, *[st.integers(0, 10)] * 4),
    own_quiet=st.none() | st.tuples(times, times),
    holidays=st.frozensets(st.dates(dt.date(2026, 1, 1), dt.date(2027, 1, 1)), max_size=5),
    wording_fault=st.sampled_from(["", "not_approved"]),
    has_account=st.booleans(),
    spent=st.integers(0, 2_000_000),
    cost=st.integers(0, 10_000),
)  # fmt: skip


@pytest.mark.feature("B19", "B45", "C128")
@settings(max_examples=600, deadline=None)
@given(facts, st.sampled_from(["postpone", "drop"]))
def test_whatever_goes_was_allowed_to(one: gates.Facts, when_quiet: str) -> None:
    policy = dataclasses.replace(POLICY, when_quiet=when_quiet)
    verdict = gates.decide(one, policy)
    assert verdict.decision == "go" or (verdict.gate in gates.GATES and verdict.reason)
    if verdict.decision == "wait":
        assert one.kind == "marketing"
        assert verdict.until is not None and verdict.until > one.local
        assert one.expires_at is None or verdict.until <= one.expires_at
        again = gates._quiet(dataclasses.replace(one, local=verdict.until), policy)
        assert again is None
    if verdict.decision == "go":
        assert one.has_address and one.has_account and not one.is_gone and not one.wording_fault
        assert one.expires_at is None or one.local < one.expires_at
    if verdict.decision == "go" and one.kind == "marketing":
        assert one.has_consent and one.is_member and not one.is_suppressed
        assert one.birthday is None or gates.age(one.birthday, one.local.date()) >= gates.ADULT
        assert dt.time(8) <= one.local.time() < dt.time(21)
        assert one.local.date() not in one.holidays
        assert not gates.reached_cap(one.channel, one.sendings, policy)
        assert not one.cost or one.spent + one.cost <= (policy.budget or 0)
    if one.kind != "marketing":
        blind = dataclasses.replace(
            one, has_consent=False, is_suppressed=True, sendings=gates.Sendings(99, 99, 99, 99),
            birthday=None, spent=10**9, own_quiet=(dt.time(0), dt.time(23)),
        )  # fmt: skip
        assert gates.decide(blind, policy) == verdict


@pytest.mark.feature("B45")
@pytest.mark.parametrize(
    "text", ["R", "r", " TD ", "td", "退订", "退訂。", "拒收", "Ｒ", "TD退订", "STOP", "t.d"]
)
def test_these_mean_stop(text: str) -> None:
    assert inbound.is_refusal(text)


@pytest.mark.parametrize("text", ["", "好的", "Really?", "谢谢", "1", "几点开门"])
def test_these_do_not(text: str) -> None:
    assert not inbound.is_refusal(text)


@pytest.mark.feature("C128")
@pytest.mark.parametrize(
    ("characters", "parts"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)]
)
def test_parts_of_a_text_message(characters: int, parts: int) -> None:
    assert wording.parts("字" * characters) == parts
    assert wording.length("字" * characters, 4_500).cost == parts * 4_500


def test_wordings_name_their_faults() -> None:
    assert wording.faults("${name}您好，周末八折，拒收请回复R", "sms", "marketing") == []
    assert wording.faults("周末八折", "sms", "marketing") == ["no_way_to_refuse"]
    assert wording.faults("【星河】${Name} " + "长" * 500, "sms", "service") == [
        "malformed_variable", "too_long", "signature_in_text",
    ]  # fmt: skip
    assert wording.render("${a}到${b}", {"a": "${b}", "b": "1"}) == "${b}到1"
    assert wording.missing("${a}${b}", {"a": "1"}) == ("b",)
