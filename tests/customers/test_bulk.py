"""Thousands of persons at once: each input gets the person it means."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from tests.people import NOW, Crew, Malls, build_malls, meet
from zhike.customers import operations, queries
from zhike.customers.models import Identifier, Person
from zhike.customers.operations import NewIdentifier, NewPerson
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Invalid, NotAllowed
from zhike.kernel.models import AuditEntry, Event

ACTOR = system_viewer("tests")


def person(name: str, *identifiers: tuple[str, str], **more: object) -> NewPerson:
    return NewPerson(name, tuple(NewIdentifier(*pair) for pair in identifiers), **more)


def create(malls: Malls, *persons: NewPerson) -> list[int]:
    return operations.create_persons(actor=ACTOR, group_id=malls.group, persons=persons, now=NOW)


@pytest.mark.feature("C018")
def test_the_known_are_recognised_and_the_new_are_made(zhang_san: int, malls: Malls) -> None:
    ids = create(
        malls,
        person("张先生", ("phone", "138 0013 8000"), ("plate", "粤B12345")),
        person(
            "王五", ("phone", "13700137000"), ("card", "VIP0005"), sex="male", birthday=dt.date(1988, 8, 8)
        ),
        person("王五五", ("card", "vip0005")),
        person("", ("email", "nobody@example.com")),
    )
    assert ids[0] == zhang_san
    assert ids[1] == ids[2] != ids[3]
    assert queries.person(zhang_san).name == "张三", "the known keep their profile"
    assert queries.person_id_by("plate", "粤B12345") == zhang_san, "and gain what nobody held"
    view = queries.person(ids[1])
    assert (view.name, view.sex, view.masked_birthday, len(view.identifiers)) == (
        "王五",
        "male",
        "****-08-08",
        2,
    )
    assert (
        operations.reveal(actor=ACTOR, person_id=ids[1], what="phone", reason="核对", now=NOW)
        == "+8613700137000"
    )
    assert [hit.person_id for hit in queries.search(ACTOR, "ww")] == [ids[1]]
    created = Event.objects.filter(
        type="zhike.customers.person_created", subject__in=[f"person/{pk}" for pk in ids]
    )
    assert created.count() == 3
    assert Event.objects.filter(type="zhike.customers.identifier_added").count() == 1
    entry = AuditEntry.objects.get(action="person.create_many")
    assert entry.after == {"created": 2, "inputs": 4, "conflicts": 0}


@pytest.mark.feature("C018")
def test_conflicting_identifiers_stay_and_are_told(zhang_san: int, li_si: int, malls: Malls) -> None:
    ids = create(malls, person("张三", ("phone", "13900139000"), ("card", "VIP0001")))
    assert ids == [li_si], "the phone proves more than the card"
    assert queries.person_id_by("card", "VIP0001") == zhang_san
    event = Event.objects.get(type="zhike.customers.identifiers_conflicted")
    assert event.subject == f"person/{li_si}"
    assert event.data == {"person_id": li_si, "other_person_id": zhang_san, "kind": "card"}


def test_running_twice_makes_nobody_twice(malls: Malls) -> None:
    persons = [person("王五", ("phone", f"1370013{number:04d}")) for number in range(50)]
    first = create(malls, *persons)
    assert create(malls, *persons) == first
    assert Person.objects.count() == 50
    assert create(malls) == []


def test_history_keeps_its_dates(malls: Malls) -> None:
    since = NOW - dt.timedelta(days=100)
    [pk] = create(malls, person("王五", ("phone", "13700137000"), created_at=since))
    assert queries.person(pk).created_at == since
    assert Event.objects.get(subject=f"person/{pk}").time == since


@pytest.mark.parametrize(
    "bad",
    [person("坏", ("phone", "12345")), person("坏", ("face", "x")), person("长" * 81), person("坏", sex="?")],
)
def test_one_bad_input_refuses_the_batch(malls: Malls, bad: NewPerson) -> None:
    with pytest.raises(Invalid):
        create(malls, person("王五", ("phone", "13700137000")), bad)
    assert not Person.objects.exists()


@pytest.mark.feature("C028", "C029")
def test_batches_are_made_by_who_may_enroll_there(crew: Crew, malls: Malls) -> None:
    at_cafe = person("王五", ("phone", "13700137000"), mall_id=malls.star, merchant_id=malls.cafe)
    for stranger in (crew.qian, crew.zhao, crew.chen, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            operations.create_persons(actor=stranger, group_id=malls.group, persons=[at_cafe], now=NOW)
    assert not Person.objects.exists()
    assert operations.create_persons(actor=crew.wang, group_id=malls.group, persons=[at_cafe], now=NOW)
    with pytest.raises(NotAllowed):
        operations.create_persons(
            actor=crew.wang, group_id=malls.group, persons=[person("赵六", ("phone", "13600136000"))], now=NOW
        )


@pytest.mark.django_db(transaction=True)
def test_batches_at_once_agree_on_everybody() -> None:
    from django.db import connection

    malls = build_malls()
    persons = [person("王五", ("phone", f"1370013{number:04d}")) for number in range(200)]
    results: list[list[int]] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        try:
            results.append(create(malls, *persons[number:], *persons[:number]))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({frozenset(ids) for ids in results}) == 1
    assert len(results) == 8
    assert Person.objects.count() == Identifier.objects.count() == 200
    assert Event.objects.filter(type="zhike.customers.person_created").count() == 200


def test_lists_cost_two_queries(malls: Malls, django_assert_num_queries: object) -> None:
    ids = [meet(malls, "王五", f"1370013{number:04d}", card=f"CARD{number:04d}") for number in range(5)]
    with django_assert_num_queries(2):  # type: ignore[operator]
        lines = queries.summaries(ids)
    assert [lines[pk].masked_phone for pk in ids] == [f"137****{number:04d}" for number in range(5)]
    assert lines[ids[0]].masked_card == "****0000"
