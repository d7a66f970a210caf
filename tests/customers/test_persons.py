"""Persons: made once, changed with history, opened only for a reason."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest

from tests.people import NOW, Crew, Malls, build_malls, meet
from zhike.customers import operations, queries
from zhike.customers.models import Identifier, Person, ProfileChange
from zhike.customers.operations import NewIdentifier
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Invalid, NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event

ACTOR = system_viewer("tests")


def enroll(actor: Viewer, malls: Malls, *, phone: str = "13700137000", **changes: Any) -> int:
    wanted = {
        "group_id": malls.group,
        "name": "王五",
        "identifiers": [NewIdentifier("phone", phone)],
        "source": "till",
        "mall_id": malls.star,
        "merchant_id": malls.cafe,
        "now": NOW,
    } | changes
    return operations.create_person(actor=actor, **wanted)


@pytest.mark.feature("C060", "C004")
def test_cashier_enrolls_at_the_own_till(crew: Crew, malls: Malls) -> None:
    person_id = enroll(
        crew.li,
        malls,
        identifiers=[NewIdentifier("phone", "137 0013 7000", NOW), NewIdentifier("card", "8888 0001")],
    )
    view = queries.person(person_id)
    assert (view.name, view.source, view.source_mall_id, view.source_merchant_id) == (
        "王五",
        "till",
        malls.star,
        malls.cafe,
    )
    assert {(i.kind, i.masked, i.verified_at) for i in view.identifiers} == {
        ("phone", "137****7000", NOW),
        ("card", "****0001", None),
    }
    assert queries.person_id_by("phone", "+8613700137000") == person_id
    assert queries.person_id_by("card", "88880001") == person_id
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor) == ("person.create", crew.li.audit_id)
    assert "13700137000" not in str([entry.before, entry.after])
    event = Event.objects.latest("position")
    assert (event.type, event.subject) == ("zhike.customers.person_created", f"person/{person_id}")
    assert event.data["identifier_kinds"] == ["card", "phone"]


@pytest.mark.feature("C028", "C029")
def test_stranger_enrolls_nobody(crew: Crew, malls: Malls) -> None:
    for stranger in (crew.zhao, crew.zhou, crew.chen, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            enroll(stranger, malls)
    with pytest.raises(NotFound):
        enroll(crew.zhao, malls, mall_id=malls.cloud, merchant_id=malls.cafe)  # not in that mall
    assert not Person.objects.exists()
    assert not Event.objects.filter(type="zhike.customers.person_created").exists()


@pytest.mark.feature("C029")
def test_associate_looks_after_whom_they_enroll(crew: Crew, malls: Malls) -> None:
    person_id = enroll(crew.zhou, malls, merchant_id=malls.fashion)
    assert queries.visible_person(person_id, crew.zhou).associate_id == crew.zhou.id
    other = enroll(crew.li, malls, phone="13600136000")
    assert queries.person(other).associate_id is None
    with pytest.raises(NotFound):
        queries.visible_person(other, crew.zhou)


@pytest.mark.feature("C018")
def test_value_is_encrypted_and_bound_to_its_row(zhang_san: int, malls: Malls) -> None:
    row = Identifier.objects.get(person_id=zhang_san, kind="phone")
    assert b"13800138000" not in bytes(row.value) + bytes(row.index)
    other = meet(malls, "李四", "13900139000")
    thief = Identifier.objects.get(person_id=other, kind="phone")
    Identifier.objects.filter(pk=thief.pk).update(value=bytes(row.value))
    from zhike.kernel.crypto import DecryptionFailed

    with pytest.raises(DecryptionFailed):
        operations.reveal(actor=ACTOR, person_id=other, what="phone", reason="测试", now=NOW)


@pytest.mark.feature("C018")
def test_phone_belongs_to_one_person(zhang_san: int, crew: Crew, malls: Malls) -> None:
    crew.all()
    count = AuditEntry.objects.count()
    with pytest.raises(operations.IdentifierTaken) as refused:
        enroll(crew.li, malls, phone="+86 13800138000")
    assert refused.value.kind == "phone"
    assert Person.objects.count() == 1
    assert AuditEntry.objects.count() == count


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"identifiers": [NewIdentifier("phone", "12345")]}, operations.InvalidIdentifier),
        ({"identifiers": [NewIdentifier("face", "x")]}, operations.InvalidIdentifier),
        ({"birthday": dt.date(2100, 1, 1)}, Invalid),
        ({"birthday": dt.date(1800, 1, 1)}, Invalid),
        ({"birthday": "1990-01-01"}, Invalid),
        ({"sex": "other-text"}, Invalid),
        ({"name": "长" * 81}, Invalid),
    ],
)
def test_bad_input_creates_nobody(malls: Malls, changes: dict[str, Any], problem: type[Exception]) -> None:
    with pytest.raises(problem):
        enroll(ACTOR, malls, **changes)
    assert not Person.objects.exists()


@pytest.mark.feature("C018")
@pytest.mark.django_db(transaction=True)
def test_of_two_enrolments_at_once_one_is_told_the_phone_is_taken() -> None:
    from django.db import connection

    malls = build_malls()
    outcomes: list[int | str] = []
    start = threading.Barrier(32)

    def work(number: int) -> None:
        identifiers = [NewIdentifier("phone", "13700137000"), NewIdentifier("card", f"CARD{number:04d}")]
        start.wait()
        try:
            outcomes.append(
                enroll(ACTOR, malls, identifiers=identifiers if number % 2 else identifiers[::-1])
            )
        except operations.IdentifierTaken as error:
            outcomes.append(error.kind)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [person_id] = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert outcomes.count("phone") == 31
    assert Person.objects.get().pk == person_id
    assert Identifier.objects.count() == 2
    assert Event.objects.filter(type="zhike.customers.person_created").count() == 1


@pytest.mark.feature("C014", "C030")
def test_profile_changes_keep_their_history(zhang_san: int, crew: Crew) -> None:
    changed = operations.update_profile(
        actor=crew.sun,
        person_id=zhang_san,
        changes={
            "name": "张珊",
            "birthday": dt.date(1991, 5, 12),
            "occupation": "教师",
            "address": "南山区深南大道 1 号",
            "sex": "female",
        },
        reason="本人到店更正",
        now=NOW,
    )
    assert changed == ("name", "birthday", "occupation", "address")
    view = queries.visible_person(zhang_san, crew.sun)
    assert (view.name, view.masked_birthday, view.occupation, view.has_address) == (
        "张珊",
        "****-05-12",
        "教师",
        True,
    )
    history = {change.field: change for change in queries.profile_history(zhang_san)}
    assert (history["name"].before, history["name"].after) == ("张*", "张*")
    assert (history["occupation"].before, history["occupation"].after) == (None, "教师")
    assert history["address"].after == "南山****"
    assert {change.reason for change in history.values()} == {"本人到店更正"}
    stored = b"".join(bytes(row.after or b"") for row in ProfileChange.objects.all())
    assert "教师".encode() not in stored
    entry = AuditEntry.objects.latest("id")
    assert (entry.before or {})["birthday"] == "****-05-12"
    assert "深南大道" not in str(entry.after)
    assert [hit.person_id for hit in queries.search(crew.sun, "zhangshan")] == [zhang_san]
    assert operations.reveal(
        actor=crew.sun, person_id=zhang_san, what="address", reason="寄礼品", now=NOW
    ) == ("南山区深南大道 1 号")


@pytest.mark.feature("C014", "C028")
def test_fields_have_permissions_of_their_own(malls: Malls, crew: Crew) -> None:
    person_id = enroll(crew.zhou, malls, merchant_id=malls.fashion)
    operations.update_profile(actor=crew.zhou, person_id=person_id, changes={"occupation": "设计师"}, now=NOW)
    with pytest.raises(NotAllowed):
        operations.update_profile(
            actor=crew.zhou,
            person_id=person_id,
            changes={"occupation": "画家", "birthday": dt.date(1990, 1, 1)},
            now=NOW,
        )
    view = queries.person(person_id)
    assert (view.occupation, view.masked_birthday) == ("设计师", "")


@pytest.mark.feature("C014", "C029")
def test_stranger_changes_nothing(zhang_san: int, crew: Crew) -> None:
    for stranger in (crew.qian, crew.zhou):
        with pytest.raises(NotFound):
            operations.update_profile(
                actor=stranger, person_id=zhang_san, changes={"occupation": "无"}, now=NOW
            )
    for colleague in (crew.li, crew.chen, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            operations.update_profile(
                actor=colleague, person_id=zhang_san, changes={"occupation": "无"}, now=NOW
            )
    assert not ProfileChange.objects.exists()
    assert queries.person(zhang_san).occupation == ""


def test_unknown_fields_and_equal_values_change_nothing(zhang_san: int) -> None:
    with pytest.raises(Invalid):
        operations.update_profile(actor=ACTOR, person_id=zhang_san, changes={"status": "erased"}, now=NOW)
    count = AuditEntry.objects.count()
    assert (
        operations.update_profile(actor=ACTOR, person_id=zhang_san, changes={"name": " 张 三 "}, now=NOW)
        == ()
    )
    assert operations.update_profile(actor=ACTOR, person_id=zhang_san, changes={}, now=NOW) == ()
    assert AuditEntry.objects.count() == count


@pytest.mark.feature("C030")
def test_personal_data_opens_for_a_reason_and_is_audited(zhang_san: int, crew: Crew) -> None:
    shown = operations.reveal(actor=crew.wang, person_id=zhang_san, what="phone", reason="核对身份", now=NOW)
    assert shown == "+8613800138000"
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.subject_id, entry.reason) == ("person.reveal", str(zhang_san), "核对身份")
    assert entry.after == {"what": "phone"}
    assert operations.reveal(
        actor=crew.wang, person_id=zhang_san, what="birthday", reason="生日", now=NOW
    ) == ("1990-05-12")
    card = Identifier.objects.get(kind="card")
    what = f"identifier:{card.pk}"
    assert (
        operations.reveal(actor=crew.wang, person_id=zhang_san, what=what, reason="对卡", now=NOW)
        == "VIP0001"
    )


@pytest.mark.feature("C030", "C029")
def test_personal_data_stays_closed_to_everybody_else(zhang_san: int, crew: Crew) -> None:
    crew.all()
    count = AuditEntry.objects.count()
    for stranger in (crew.qian, crew.li, crew.zhou, crew.chen, crew.wu, crew.ops, crew.nobody):
        with pytest.raises((NotAllowed, NotFound)):
            operations.reveal(actor=stranger, person_id=zhang_san, what="phone", reason="好奇", now=NOW)
    with pytest.raises(operations.ReasonMissing):
        operations.reveal(actor=crew.wang, person_id=zhang_san, what="phone", reason="  ", now=NOW)
    for what in ("address", "plate", "password", f"identifier:{10**30}", "identifier:x", ""):
        with pytest.raises(operations.NothingToReveal):
            operations.reveal(actor=crew.wang, person_id=zhang_san, what=what, reason="核对", now=NOW)
    assert AuditEntry.objects.count() == count


def test_members_see_and_change_themselves_only(zhang_san: int, li_si: int) -> None:
    myself = queries.viewer_of_person(zhang_san)
    assert queries.visible_person(zhang_san, myself).name == "张三"
    assert operations.reveal(actor=myself, person_id=zhang_san, what="phone", reason="", now=NOW)
    operations.update_profile(actor=myself, person_id=zhang_san, changes={"occupation": "医生"}, now=NOW)
    with pytest.raises(NotAllowed):
        operations.update_profile(
            actor=myself, person_id=zhang_san, changes={"birthday": dt.date(1995, 1, 1)}, now=NOW
        )
    with pytest.raises(NotFound):
        queries.visible_person(li_si, myself)
    with pytest.raises(NotFound):
        operations.update_profile(actor=myself, person_id=li_si, changes={"occupation": "医生"}, now=NOW)


@pytest.mark.feature("C029")
def test_members_are_given_to_another_associate(zhang_san: int, crew: Crew) -> None:
    with pytest.raises(NotFound):
        queries.visible_person(zhang_san, crew.zhou)
    with pytest.raises(NotAllowed):
        operations.assign_associate(actor=crew.zhou, person_id=zhang_san, staff_id=crew.zhou.id, now=NOW)
    operations.assign_associate(actor=crew.wang, person_id=zhang_san, staff_id=crew.zhou.id, now=NOW)
    assert queries.visible_person(zhang_san, crew.zhou).id == zhang_san
    operations.assign_associate(actor=crew.wang, person_id=zhang_san, staff_id=None, reason="调岗", now=NOW)
    with pytest.raises(NotFound):
        queries.visible_person(zhang_san, crew.zhou)


def test_scope_of_persons_follows_the_place_of_enrolment(zhang_san: int, li_si: int, crew: Crew) -> None:
    for viewer in (crew.wang, crew.he, crew.sun, crew.chen, crew.wu, crew.admin):
        assert queries.visible_person(zhang_san, viewer).id == zhang_san
    for viewer in (crew.qian, crew.li, crew.zhao, crew.zhou, crew.nobody):
        with pytest.raises(NotFound):
            queries.visible_person(zhang_san, viewer)
    assert queries.visible_person(li_si, crew.qian).id == li_si


def test_birth_date_is_for_rules(zhang_san: int, li_si: int) -> None:
    assert queries.birth_date(zhang_san) == dt.date(1990, 5, 12)
    assert queries.birth_date(li_si) is None
    with pytest.raises(NotFound):
        queries.person(10**9)
