"""Somebody is erased: every context does its part once, the ledger stays clean, and nothing of them is found any more."""

from __future__ import annotations

import datetime as dt
import json
import threading

import pytest
from django.db import connection

from tests.rights.conftest import EMAIL, NAME, NOW, PHONE, PLATE, SYSTEM, Desk, build_desk, leave_traces
from zhike.customers import operations as customers
from zhike.customers.models import Identifier, Person
from zhike.customers.queries import indexes_of, person_id_by
from zhike.kernel import forgetting, signing
from zhike.kernel.errors import NotFound
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import Account, Member, Transfer
from zhike.loyalty.queries import verify_ledger
from zhike.rights import operations, queries
from zhike.rights.models import Certificate, ErasureStep, RightsRequest
from zhike.sales.models import Receipt

pytestmark = pytest.mark.feature("C033", "B47")

LATER = NOW + dt.timedelta(days=8)


def dump() -> str:
    """Every row of every table as text, as a backup would write it; bytes as hex."""
    whole = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY 1"
        )
        for (table,) in cursor.fetchall():
            with connection.connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
                whole += [table, b"".join(map(bytes, copy)).decode()]
    return "\n".join(whole)


def close_account(desk: Desk) -> int:
    request_id = operations.ask(
        actor=desk.own, person_id=desk.person_id, kind="closing", door="member_app", now=NOW
    )
    assert operations.carry_out(actor=SYSTEM, request_id=request_id, now=LATER)
    return request_id


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_of_whoever_was_erased() -> None:
    desk = build_desk()
    leave_traces(desk)
    before = dump()
    for word in (NAME, PHONE, EMAIL, PLATE, desk.card):
        assert word in before, "the traces that the test looks for are really there"
    digits = [index.hex() for index in indexes_of("phone", f"+86{PHONE}")]
    assert any(index in before for index in digits)

    close_account(desk)

    after = dump()
    assert [word for word in desk.words if word in after] == []
    assert [index for index in digits if index in after] == []
    assert "13800138000" in before or "张三" in after, "others are untouched"
    assert verify_ledger().is_clean
    searched = Event.objects.filter(
        type="zhike.collection.behaviour_observed", subject__startswith="visitor/"
    )
    assert [
        event.data["properties"]
        for event in searched.order_by("time", "position")
        if event.data["properties"]
    ] == [{"q": "visitor 2 09"}], "only what the next one did on the shared browser is left"


@pytest.mark.django_db(transaction=True)
def test_points_lapse_by_transfers_and_receipts_forget_whose_they_were() -> None:
    desk = build_desk()
    leave_traces(desk)
    account = Account.objects.get(member_id=desk.member_id)
    had, receipts = account.balance, Receipt.objects.count()
    assert had > 0
    request_id = close_account(desk)

    account.refresh_from_db()
    [forfeit] = Transfer.objects.filter(reason="forfeit", debit_account=account)
    assert (account.balance, forfeit.points, forfeit.reference[:4]) == (0, had, "DSR-")
    assert Receipt.objects.count() == receipts
    assert not Receipt.objects.filter(person_id=desk.person_id).exists()
    member = Member.objects.get(pk=desk.member_id)
    assert (member.status, member.number) == ("closed", f"erased-{desk.member_id}")
    assert Person.objects.get(pk=desk.person_id).status == "erased"
    assert not Identifier.objects.filter(person_id=desk.person_id).exists()
    assert person_id_by("phone", PHONE) is None
    assert verify_ledger().findings == []

    found = queries.certificate(desk.wang, request_id)
    assert found is not None
    document = json.loads(found.document)
    assert signing.is_signed(found.public_key, bytes.fromhex(found.digest), found.signature)
    assert [step["context"] for step in document["steps"]] == list(operations.STEPS)
    assert document["left_in_clear"] == 0
    assert document["totals"]["delete"] > 0 and document["totals"]["keep"] > 0
    told = Event.objects.get(type="zhike.rights.person_erased")
    assert told.data["digest"] == found.digest


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_again_with_the_same_phone_is_somebody_new() -> None:
    desk = build_desk()
    close_account(desk)
    again = loyalty.enroll_member(
        actor=SYSTEM, name="新人", phone=PHONE, mall_id=desk.world.malls.star, source="counter", now=LATER
    )
    assert not again.existing
    with pytest.raises(NotFound):
        loyalty.set_member_status(
            actor=SYSTEM, member_id=desk.member_id, status="active", reason="错误", now=LATER
        )
    with pytest.raises(NotFound):
        customers.update_profile(actor=SYSTEM, person_id=desk.person_id, changes={"name": "回来"}, now=LATER)
    assert again.person_id != desk.person_id


class Killed(Exception):
    """The worker's process ended."""


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_two_contexts_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = build_desk()
    leave_traces(desk)
    request_id = operations.ask(
        actor=desk.own, person_id=desk.person_id, kind="closing", door="member_app", now=NOW
    )
    real, calls = forgetting.erase, []

    def erase(*args: object) -> object:
        calls.append(1)
        if len(calls) == 5:
            raise Killed
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(forgetting, "erase", erase)
    with pytest.raises(Killed):
        operations.carry_out(actor=SYSTEM, request_id=request_id, now=LATER)
    done = list(ErasureStep.objects.order_by("id").values_list("context", flat=True))
    assert done == list(operations.STEPS[:5])
    assert not Certificate.objects.exists()
    assert request_id in queries.due_requests(LATER), "the next run of the job finds it"

    assert operations.carry_out(actor=SYSTEM, request_id=request_id, now=LATER)
    assert list(ErasureStep.objects.order_by("id").values_list("context", flat=True)) == list(
        operations.STEPS
    )
    assert Transfer.objects.filter(reason="forfeit").count() == 1
    assert verify_ledger().is_clean
    assert not operations.carry_out(actor=SYSTEM, request_id=request_id, now=LATER)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_erase_once() -> None:
    desk = build_desk()
    leave_traces(desk)
    request_id = operations.ask(
        actor=desk.own, person_id=desk.person_id, kind="closing", door="member_app", now=NOW
    )
    faults: list[BaseException] = []
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait()
            operations.carry_out(actor=SYSTEM, request_id=request_id, now=LATER)
        except BaseException as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert ErasureStep.objects.filter(request_id=request_id).count() == len(operations.STEPS)
    assert Certificate.objects.count() == 1
    assert Transfer.objects.filter(reason="forfeit").count() == 1
    assert Event.objects.filter(type="zhike.rights.person_erased").count() == 1
    assert RightsRequest.objects.get(pk=request_id).state == "done"


@pytest.mark.django_db(transaction=True)
def test_merged_persons_are_erased_whole() -> None:
    desk = build_desk()
    leave_traces(desk)
    twin = loyalty.enroll_member(
        actor=SYSTEM,
        name="欧阳舒",
        phone="13711223344",
        mall_id=desk.world.malls.star,
        source="counter",
        now=NOW,
    )
    outcome = loyalty.merge_persons(
        actor=SYSTEM, survivor_id=desk.person_id, merged_id=twin.person_id, reason="同一人", now=NOW
    )
    if outcome.state == "proposed":
        loyalty.agree_to_merge(actor=desk.lin, merge_id=outcome.merge_id, now=NOW)
    request_id = operations.ask(
        actor=desk.own, person_id=desk.person_id, kind="closing", door="member_app", now=NOW
    )
    assert operations.carry_out(actor=SYSTEM, request_id=request_id, now=LATER)
    after = dump()
    assert [word for word in (*desk.words, "13711223344", "欧阳舒", twin.number) if word in after] == []
    assert Event.objects.get(type="zhike.rights.person_erased").data["other_ids"] == [twin.person_id]
    assert verify_ledger().is_clean
