"""What persons agreed to and refused: recorded with proof, never changed, obeyed."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.people import NOW, Crew, Malls, build_malls, meet, publish_policy
from zhike.customers.queries import viewer_of_person
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Invalid, NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.privacy import operations, queries
from zhike.privacy.models import ConsentRecord, Policy
from zhike.privacy.operations import Decision, PersonDecisions

ACTOR = system_viewer("tests")
YES, NO = "granted", "refused"


def record(
    person_id: int, *decisions: tuple[str, str, str], actor: Viewer = ACTOR, **changes: Any
) -> list[int]:
    wanted = {
        "policy_version": "2026-01",
        "method": "counter_tick",
        "evidence": {"screen": "enroll-3", "till": "T1"},
        "now": NOW,
    } | changes
    return operations.record_consents(
        actor=actor, person_id=person_id, decisions=[Decision(*one) for one in decisions], **wanted
    )


def withdraw(
    person_id: int, purpose: str, channel: str, *, actor: Viewer = ACTOR, now: dt.datetime = NOW
) -> int:
    return operations.withdraw_consent(
        actor=actor, person_id=person_id, purpose=purpose, channel=channel, method="member_app", now=now
    )


@pytest.mark.feature("C060")
def test_yes_and_no_are_recorded_with_their_proof(zhang_san: int, policy: str, crew: Crew) -> None:
    record(
        zhang_san,
        ("membership", "any", YES),
        ("marketing", "sms", YES),
        ("marketing", "wechat", NO),
        actor=crew.li,
    )
    consents = {(c.purpose, c.channel): c for c in queries.current_consents(zhang_san)}
    assert {key: consent.decision for key, consent in consents.items()} == {
        ("membership", "any"): YES,
        ("marketing", "sms"): YES,
        ("marketing", "wechat"): NO,
    }
    proof = consents["marketing", "sms"]
    assert (proof.policy_version, proof.method, proof.decided_at, proof.actor) == (
        "2026-01",
        "counter_tick",
        NOW,
        crew.li.audit_id,
    )
    assert (proof.categories, proof.retention_days) == (("phone",), 365)
    assert proof.evidence == {"screen": "enroll-3", "till": "T1"}
    event = Event.objects.latest("position")
    assert (event.type, event.subject) == ("zhike.privacy.consent_recorded", f"person/{zhang_san}")
    assert ["marketing", "wechat", NO] in event.data["decisions"]
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.subject_id, (entry.after or {})["marketing/sms"]) == (
        "consent.record",
        str(zhang_san),
        YES,
    )


def test_silence_is_no_consent(zhang_san: int, policy: str) -> None:
    assert not queries.may_contact(zhang_san, "marketing", "sms")
    record(zhang_san, ("marketing", "sms", YES))
    assert queries.may_contact(zhang_san, "marketing", "sms")
    assert not queries.may_contact(zhang_san, "marketing", "email")
    assert not queries.may_contact(zhang_san, "sharing", "sms")


def test_the_latest_decision_counts(zhang_san: int, policy: str) -> None:
    record(zhang_san, ("marketing", "any", YES))
    assert queries.may_contact(zhang_san, "marketing", "sms")
    record(zhang_san, ("marketing", "sms", NO), now=NOW + dt.timedelta(days=1))
    assert not queries.may_contact(zhang_san, "marketing", "sms")
    assert queries.may_contact(zhang_san, "marketing", "wechat")
    record(zhang_san, ("marketing", "any", NO), now=NOW + dt.timedelta(days=2))
    assert not queries.may_contact(zhang_san, "marketing", "wechat")
    record(zhang_san, ("marketing", "sms", YES), now=NOW + dt.timedelta(days=3))
    assert queries.may_contact(zhang_san, "marketing", "sms")
    assert len(queries.consent_history(zhang_san)) == 4


def test_withdrawal_works_at_once_and_keeps_the_grant_as_history(zhang_san: int, policy: str) -> None:
    record(zhang_san, ("marketing", "any", YES))
    withdraw(zhang_san, "marketing", "sms", actor=viewer_of_person(zhang_san), now=NOW + dt.timedelta(days=1))
    assert not queries.may_contact(zhang_san, "marketing", "sms")
    assert queries.may_contact(zhang_san, "marketing", "email")
    withdraw(zhang_san, "marketing", "any", now=NOW + dt.timedelta(days=2))
    assert not queries.may_contact(zhang_san, "marketing", "email")
    assert [c.decision for c in queries.consent_history(zhang_san)] == ["withdrawn", "withdrawn", "granted"]
    with pytest.raises(operations.NothingToWithdraw):
        withdraw(zhang_san, "marketing", "sms")
    with pytest.raises(operations.NothingToWithdraw):
        withdraw(zhang_san, "sharing", "any")


def test_withdrawing_from_everything_ends_single_channels_too(zhang_san: int, policy: str) -> None:
    record(zhang_san, ("marketing", "sms", YES))
    withdraw(zhang_san, "marketing", "any", now=NOW + dt.timedelta(days=1))
    assert not queries.may_contact(zhang_san, "marketing", "sms")


@pytest.mark.feature("C028", "C029")
def test_who_may_record_and_who_may_withdraw(zhang_san: int, li_si: int, policy: str, crew: Crew) -> None:
    grant = ("marketing", "sms", YES)
    for stranger in (crew.qian, crew.zhao):
        with pytest.raises(NotFound):
            record(zhang_san, grant, actor=stranger)
    for colleague in (crew.chen, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            record(zhang_san, grant, actor=colleague)
        with pytest.raises(NotAllowed):
            withdraw(zhang_san, "marketing", "sms", actor=colleague)
    with pytest.raises(NotFound):
        record(zhang_san, grant, actor=viewer_of_person(li_si))
    assert not ConsentRecord.objects.exists()
    record(zhang_san, grant, actor=viewer_of_person(zhang_san))
    with pytest.raises(NotFound):
        withdraw(zhang_san, "marketing", "sms", actor=viewer_of_person(li_si))
    assert queries.may_contact(zhang_san, "marketing", "sms")
    withdraw(zhang_san, "marketing", "sms", actor=crew.zhao)  # a no is taken at any till
    assert not queries.may_contact(zhang_san, "marketing", "sms")


def test_a_no_is_left_alone_for_half_a_year(zhang_san: int, policy: str, settings: Any) -> None:
    assert queries.may_ask_again(zhang_san, "marketing", "sms", NOW)
    record(zhang_san, ("marketing", "sms", NO))
    assert not queries.may_ask_again(zhang_san, "marketing", "sms", NOW + dt.timedelta(days=179))
    assert queries.may_ask_again(zhang_san, "marketing", "sms", NOW + dt.timedelta(days=180))
    assert queries.may_ask_again(zhang_san, "marketing", "email", NOW)
    settings.CONSENT_PAUSE_DAYS = 365
    assert not queries.may_ask_again(zhang_san, "marketing", "sms", NOW + dt.timedelta(days=180))
    later = NOW + dt.timedelta(days=400)
    record(zhang_san, ("marketing", "sms", YES), now=later)
    assert not queries.may_ask_again(zhang_san, "marketing", "sms", later + dt.timedelta(days=400))


@pytest.mark.parametrize(
    "decision",
    [("spying", "sms", YES), ("marketing", "pigeon", YES), ("marketing", "sms", "maybe")],
)
def test_unknown_decisions_are_refused_whole(
    zhang_san: int, policy: str, decision: tuple[str, str, str]
) -> None:
    with pytest.raises(Invalid):
        record(zhang_san, ("membership", "any", YES), decision)
    with pytest.raises(operations.UnknownPolicy):
        record(zhang_san, ("membership", "any", YES), policy_version="1999")
    assert not ConsentRecord.objects.exists()


@pytest.mark.feature("C030")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE privacy_consentrecord SET decision = 'granted'",
        "DELETE FROM privacy_consentrecord",
        "UPDATE privacy_policy SET text = 'we may do anything'",
        "DELETE FROM privacy_policy",
    ],
)
def test_records_are_never_changed(zhang_san: int, policy: str, statement: str) -> None:
    record(zhang_san, ("marketing", "sms", NO))
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert queries.current_consents(zhang_san)[0].decision == NO


def test_policies_are_published_once_and_the_latest_is_current(malls: Malls, crew: Crew) -> None:
    first = publish_policy(malls)
    assert publish_policy(malls) == first, "again, nothing happens"
    assert Event.objects.filter(type="zhike.privacy.policy_published").count() == 1
    with pytest.raises(operations.PolicyVersionTaken):
        operations.publish_policy(
            actor=ACTOR,
            group_id=malls.group,
            version="2026-01",
            title="隐私政策",
            text="别的",
            terms={},
            now=NOW,
        )
    for stranger in (crew.wang, crew.chen, crew.nobody):
        with pytest.raises(NotAllowed):
            operations.publish_policy(
                actor=stranger, group_id=malls.group, version="x", title="x", text="x", terms={}, now=NOW
            )
    publish_policy(malls, "2026-02", NOW + dt.timedelta(days=1))
    assert queries.current_policy(malls.group).version == "2026-02"
    assert Policy.objects.count() == 2
    with pytest.raises(NotFound):
        queries.current_policy(10**9)


@pytest.mark.parametrize("persons_count", [20, 150])  # written row by row, and by COPY
def test_many_are_recorded_at_once(malls: Malls, policy: str, crew: Crew, persons_count: int) -> None:
    ids = [meet(malls, "王五", f"1370013{number:04d}") for number in range(persons_count)]
    since = NOW - dt.timedelta(days=50)
    persons = [
        PersonDecisions(
            pk,
            (Decision("membership", "any", YES), Decision("marketing", "sms", YES if pk % 2 else NO)),
            "import",
            {},
            since,
        )
        for pk in ids
    ]
    with pytest.raises(NotAllowed):
        operations.record_consents_bulk(
            actor=crew.wang, group_id=malls.group, persons=persons, policy_version=policy, now=NOW
        )
    count = operations.record_consents_bulk(
        actor=ACTOR, group_id=malls.group, persons=persons, policy_version=policy, now=NOW
    )
    assert count == ConsentRecord.objects.count() == persons_count * 2
    assert queries.who_may_be_contacted(ids, "marketing", "sms") == {pk for pk in ids if pk % 2}
    marketing, membership = sorted(queries.current_consents(ids[0]), key=lambda consent: consent.purpose)
    assert (marketing.decided_at, marketing.method, marketing.actor) == (since, "import", ACTOR.audit_id)
    assert (membership.categories, membership.evidence) == (("phone", "receipts"), {})
    assert Event.objects.filter(type="zhike.privacy.consent_recorded", time=since).count() == persons_count


@pytest.mark.django_db(transaction=True)
def test_withdrawals_at_once_are_one() -> None:
    malls = build_malls()
    publish_policy(malls)
    person_id = meet(malls, "张三", "13800138000")
    record(person_id, ("marketing", "sms", YES))
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        try:
            withdraw(person_id, "marketing", "sms", now=NOW + dt.timedelta(seconds=1))
            outcomes.append("withdrawn")
        except operations.NothingToWithdraw:
            outcomes.append("nothing")
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["nothing"] * 7 + ["withdrawn"]
