"""Who may ask for what, by when it is answered, who decides, and what a person gets to see."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile

import pytest

from tests.rights.conftest import ADDRESS, NAME, NOW, PHONE, SYSTEM, Desk, leave_traces
from zhike.customers import queries as customers
from zhike.kernel.errors import Conflict, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import Account
from zhike.privacy import queries as privacy
from zhike.rights import operations, queries, rules
from zhike.rights.models import RightsRequest
from zhike.service import operations as service

pytestmark = [pytest.mark.feature("C033", "B47"), pytest.mark.django_db]


def ask(desk: Desk, kind: str, actor: object = None, **more: object) -> int:
    viewer = actor or desk.own
    door = "member_app" if viewer == desk.own or actor is None else "desk"
    return operations.ask(
        actor=viewer,
        person_id=desk.person_id,
        kind=kind,
        door=door,
        now=NOW,
        **more,  # type: ignore[arg-type]
    )


def state_of(request_id: int) -> str:
    return RightsRequest.objects.get(pk=request_id).state


# --- the deadline ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "special", "due"),
    [
        (dt.date(2026, 3, 9), {}, dt.date(2026, 3, 30)),  # a Monday: three whole weeks
        (dt.date(2026, 3, 8), {}, dt.date(2026, 3, 27)),  # a Sunday: Monday is the first day
        # Seven days of National Day and a Saturday worked instead.
        (
            dt.date(2026, 9, 28),
            {dt.date(2026, 10, day): ("国庆节", True) for day in range(1, 8)}
            | {dt.date(2026, 10, 10): ("国庆节", False)},
            dt.date(2026, 10, 23),
        ),
    ],
)
def test_fifteen_working_days(asked: dt.date, special: dict[dt.date, tuple[str, bool]], due: dt.date) -> None:
    found = rules.deadline(asked, special)
    assert found.due_on == due
    assert sum(not why for _, why in found.counted) == 15
    assert found.stop_on == asked + dt.timedelta(days=30)


def test_no_holiday_is_long_enough_to_pass_the_thirtieth_day() -> None:
    closed = {dt.date(2026, 2, 1) + dt.timedelta(days=day): ("春节", True) for day in range(40)}
    assert rules.deadline(dt.date(2026, 2, 1), closed).due_on == dt.date(2026, 3, 3)


# --- who may ask -------------------------------------------------------------------------------------------------------


def test_owner_and_colleague_ask_and_a_stranger_learns_nothing(desk: Desk) -> None:
    mine = ask(desk, "access")
    theirs = ask(desk, "correction", desk.sun, changes={"name": "欧阳望书"}, note="身份证已核对")
    assert [row.id for row in queries.own_requests(desk.own, desk.person_id, NOW)] == [theirs, mine]
    with pytest.raises(NotFound):
        ask(desk, "restriction", desk.qian)
    with pytest.raises(NotFound):
        queries.request_file(desk.qian, theirs, NOW)
    with pytest.raises(NotFound):
        operations.approve(actor=desk.qian, request_id=theirs, now=NOW)
    other = customers.viewer_of_person(desk.person_id - 1)
    with pytest.raises(NotFound):
        operations.download(actor=other, request_id=mine, now=NOW)
    assert queries.requests_page(desk.qian, queue="all", now=NOW).items == []


def test_the_same_is_not_asked_twice(desk: Desk) -> None:
    first = ask(desk, "correction", changes={"name": "欧阳望书"})
    with pytest.raises(operations.RequestOpen):
        ask(desk, "correction", changes={"name": "欧阳"})
    operations.cancel(actor=desk.own, request_id=first, now=NOW)
    operations.cancel(actor=desk.own, request_id=first, now=NOW)
    assert state_of(first) == "cancelled"
    assert ask(desk, "correction", changes={"name": "欧阳"}) != first


# --- access ------------------------------------------------------------------------------------------------------------


def test_a_copy_is_whole_readable_and_the_persons_alone(desk: Desk) -> None:
    leave_traces(desk)
    request_id = ask(desk, "access")
    with pytest.raises(operations.NotYours):
        operations.download(actor=desk.wang, request_id=request_id, now=NOW)
    with pytest.raises(operations.NotYours):
        operations.download(actor=SYSTEM, request_id=request_id, now=NOW)
    name, content = operations.download(actor=desk.own, request_id=request_id, now=NOW)

    archive = zipfile.ZipFile(io.BytesIO(content))
    whole = json.loads(archive.read("data.json"))
    assert name.startswith("DSR-2603-")
    assert whole["data"]["customers_person"][0]["name"] == NAME
    assert whole["data"]["customers_person"][0]["address"] == ADDRESS
    assert f"phone:+86{PHONE}" in {row["value"] for row in whole["data"]["customers_identifier"]}
    assert whole["data"]["sales_receipt"][0]["net_fen"] == 300_00
    assert any(NAME in row["body"] for row in whole["data"]["service_message"])
    assert {row["purpose"] for row in whole["data"]["privacy_consentrecord"]} >= {"marketing", "membership"}
    [receipts] = [one for one in archive.namelist() if one.endswith("sales_receipt.csv")]
    rows = list(csv.DictReader(io.StringIO(archive.read(receipts).decode("utf-8-sig"))))
    assert (rows[0]["net_fen"], rows[0]["merchant_id"], rows[0]["mall_id"]) == ("30000", "半山咖啡", "星河城")
    assert AuditEntry.objects.filter(action="rights.downloaded").count() == 1
    handed = Event.objects.get(type="zhike.rights.data_handed_out")
    assert handed.data["rows"] == sum(len(rows) for rows in whole["data"].values())


def test_a_copy_holds_nothing_of_anybody_else(desk: Desk) -> None:
    leave_traces(desk)
    request_id = ask(desk, "access")
    _name, content = operations.download(actor=desk.own, request_id=request_id, now=NOW)
    text = zipfile.ZipFile(io.BytesIO(content)).read("data.json").decode()
    assert "13800138000" not in text and "张三" not in text


def test_a_download_ends(desk: Desk) -> None:
    request_id = ask(desk, "access")
    for _ in range(queries.DOWNLOADS_MAX):
        operations.download(actor=desk.own, request_id=request_id, now=NOW)
    with pytest.raises(operations.DownloadOver):
        operations.download(actor=desk.own, request_id=request_id, now=NOW)
    late = NOW + dt.timedelta(days=7)
    with pytest.raises(operations.DownloadOver):
        operations.download(actor=desk.own, request_id=request_id, now=late)
    assert queries.ended_downloads(late) == [request_id]
    operations.end_download(actor=SYSTEM, request_id=request_id, now=late)
    assert (state_of(request_id), queries.ended_downloads(late)) == ("done", [])


# --- correction --------------------------------------------------------------------------------------------------------


def test_a_correction_is_compared_and_carried_out(desk: Desk) -> None:
    request_id = ask(
        desk, "correction", changes={"birthday": dt.date(1991, 6, 1), "name": "欧阳望书"}, note="身份证"
    )
    file = queries.request_file(desk.sun, request_id, NOW)
    assert file.changes["name"] != "欧阳望书", "shown masked"
    operations.approve(actor=desk.sun, request_id=request_id, note="已核对身份证", now=NOW)
    assert customers.person(desk.person_id).name == "欧阳望书"
    assert customers.birth_date(desk.person_id) == dt.date(1991, 6, 1)
    assert state_of(request_id) == "done"
    with pytest.raises(operations.NothingToCorrect):
        ask(desk, "correction", changes={"name": "", "points": 12})


def test_a_no_needs_its_reason_and_the_person_reads_it(desk: Desk) -> None:
    request_id = ask(desk, "correction", changes={"name": "别人"})
    with pytest.raises(operations.ReasonMissing):
        operations.refuse(actor=desk.sun, request_id=request_id, reason=" ", now=NOW)
    operations.refuse(actor=desk.sun, request_id=request_id, reason="证件与姓名不符", now=NOW)
    [row] = queries.own_requests(desk.own, desk.person_id, NOW)
    assert (row.state, row.answer) == ("refused", "证件与姓名不符")
    with pytest.raises(operations.RequestHasEnded):
        operations.approve(actor=desk.sun, request_id=request_id, now=NOW)


# --- restriction -------------------------------------------------------------------------------------------------------


def test_a_restriction_holds_at_once_at_every_gate(desk: Desk) -> None:
    leave_traces(desk)
    assert privacy.may_contact(desk.person_id, "marketing", "sms")
    request_id = ask(desk, "restriction")
    assert state_of(request_id) == "done"
    assert not privacy.may_contact(desk.person_id, "marketing", "sms")
    assert not privacy.has_grant(desk.person_id, "personalisation", "any")
    assert customers.not_to_be_profiled([desk.person_id], NOW.date()) == {desk.person_id}
    assert customers.contact_cards([desk.person_id])[desk.person_id].is_gone

    assert operations.lift_restriction(actor=desk.own, person_id=desk.person_id, now=NOW)
    assert not operations.lift_restriction(actor=desk.own, person_id=desk.person_id, now=NOW)
    assert not customers.contact_cards([desk.person_id])[desk.person_id].is_gone
    assert not privacy.may_contact(desk.person_id, "marketing", "sms"), "consents stay withdrawn"


# --- erasure: two persons, a time to think, and what must be settled first ----------------------------------------------


def test_an_erasure_taken_down_by_one_is_approved_by_another(desk: Desk) -> None:
    request_id = ask(desk, "erasure", desk.wang, note="来信")
    with pytest.raises(operations.OwnRequest):
        operations.approve(actor=desk.wang, request_id=request_id, now=NOW)
    with pytest.raises(NotFound):
        operations.approve(actor=desk.sun, request_id=request_id, now=NOW)
    assert not operations.carry_out(actor=SYSTEM, request_id=request_id, now=NOW)
    operations.approve(actor=desk.lin, request_id=request_id, now=NOW)
    assert queries.due_requests(NOW) == [request_id]
    assert operations.carry_out(actor=SYSTEM, request_id=request_id, now=NOW)
    with pytest.raises(operations.PersonGone):
        ask(desk, "access", desk.wang)


def test_a_closing_waits_and_can_be_called_off(desk: Desk) -> None:
    loss = queries.would_lose(desk.own, desk.person_id, NOW)
    assert (loss.blocks, loss.tier_name) == ((), "普卡")
    request_id = ask(desk, "closing")
    almost = NOW + dt.timedelta(days=7, seconds=-1)
    assert queries.due_requests(almost) == []
    assert not operations.carry_out(actor=SYSTEM, request_id=request_id, now=almost)
    operations.cancel(actor=desk.own, request_id=request_id, now=almost)
    assert not operations.carry_out(actor=SYSTEM, request_id=request_id, now=NOW + dt.timedelta(days=30))
    assert customers.person(desk.person_id).name == NAME


def test_what_must_be_settled_is_told_and_stops_it(desk: Desk) -> None:
    number = service.open_ticket(
        actor=desk.sun, type="complaint", text="请回电", channel="phone", mall_id=desk.world.malls.star,
        person_id=desk.person_id, now=NOW,
    )  # fmt: skip
    Account.objects.filter(member_id=desk.member_id).update(debt=30)
    with pytest.raises(operations.ErasureBlocked) as refusal:
        ask(desk, "closing")
    assert [(one.what, one.which) for one in refusal.value.blocks] == [("debt", ()), ("tickets", (number,))]
    assert not RightsRequest.objects.exists()

    Account.objects.filter(member_id=desk.member_id).update(debt=0)
    service.resolve_ticket(actor=desk.sun, number=number, text="已回电", now=NOW)
    service.close_ticket(actor=desk.sun, number=number, now=NOW)
    request_id = ask(desk, "closing")
    Account.objects.filter(member_id=desk.member_id).update(debt=5)
    due = NOW + dt.timedelta(days=8)
    assert not operations.carry_out(actor=SYSTEM, request_id=request_id, now=due)
    assert state_of(request_id) == "blocked"
    Account.objects.filter(member_id=desk.member_id).update(debt=0)
    assert queries.due_requests(due) == [request_id]
    assert operations.carry_out(actor=SYSTEM, request_id=request_id, now=due)


def test_the_console_counts_what_is_late(desk: Desk) -> None:
    ask(desk, "correction", changes={"name": "欧阳"})
    assert queries.queue_counts(desk.wang, NOW)["late"] == 0
    late = NOW + dt.timedelta(days=25)
    assert queries.queue_counts(desk.wang, late) == {"open": 1, "late": 1, "soon": 0, "done": 0}
    [row] = queries.requests_page(desk.wang, queue="late", now=late).items
    assert row.standing == "late"
    assert queries.queue_counts(desk.qian, late)["open"] == 0


def test_memberships_with_debt_are_not_closed(desk: Desk) -> None:
    Account.objects.filter(member_id=desk.member_id).update(debt=5)
    with pytest.raises(Conflict):
        loyalty.close_memberships(actor=SYSTEM, person_ids=[desk.person_id], reference="DSR", now=NOW)


def test_who_shares_points_leaves_the_household_first(desk: Desk) -> None:
    loyalty.found_household(actor=desk.own, member_id=desk.member_id, name="望舒一家", now=NOW)
    assert [one.what for one in queries.would_lose(desk.sun, desk.person_id, NOW).blocks] == ["household"]
    loyalty.dissolve_household(actor=desk.own, member_id=desk.member_id, now=NOW)
    assert not queries.would_lose(desk.sun, desk.person_id, NOW).blocks
