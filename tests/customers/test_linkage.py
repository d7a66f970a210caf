"""Pairs that may be one person: what the linkage model finds, and what becomes of its suggestions."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from pathlib import Path

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.customers import _linkage, rules
from zhike.customers import operations as customers
from zhike.customers.models import Suggestion
from zhike.customers.operations import suggesting
from zhike.customers.queries import suggestions as twins
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.loyalty import operations as loyalty

pytestmark = pytest.mark.feature("C018")

FEBRL = _linkage.Model(
    likenesses=(
        _linkage.Likeness("given_name", steps=(0.9, 0.7)),
        _linkage.Likeness("surname", steps=(0.9, 0.7)),
        _linkage.Likeness("date_of_birth", "digits", (1, 2)),
        _linkage.Likeness("soc_sec_id", "digits", (1, 2)),
        _linkage.Likeness("address_1", steps=(0.9, 0.7)),
        _linkage.Likeness("postcode", "digits", (1,)),
        _linkage.Likeness("suburb", steps=(0.9,)),
    ),
    blocks=(
        ("soc_sec_id",),
        ("date_of_birth",),
        ("given_name", "surname"),
        ("surname", "postcode"),
        ("given_name", "postcode"),
        ("address_1",),
        ("suburb", "given_name"),
        ("suburb", "surname"),
        ("surname", "address_2"),
        ("postcode", "street_number"),
    ),
    learn_on=(("date_of_birth",), ("soc_sec_id",), ("surname",)),
)
"""The public records of the Freely Extensible Biomedical Record Linkage project, whose answer is known."""


def febrl(path: Path) -> tuple[list[dict[str, str]], set[tuple[str, str]]]:
    """The records, and the pairs that are of one person: rec-12-org and rec-12-dup-0."""
    with path.open(encoding="utf-8") as file:
        rows = [{key.strip(): value.strip() for key, value in row.items()} for row in csv.DictReader(file)]
    persons: dict[str, list[str]] = {}
    for row in rows:
        row["id"] = row["rec_id"]
        persons.setdefault(row["id"].split("-")[1], []).append(row["id"])
    truth = {pair for ids in persons.values() for pair in itertools.combinations(sorted(ids), 2)}
    return rows, truth


def quality(found: set[tuple[str, str]], truth: set[tuple[str, str]]) -> float:
    """F1: the harmonic mean of precision and recall."""
    right = len(found & truth)
    return 2 * right / (len(found) + len(truth))


def test_public_records_are_told_apart(zhike_data: Path) -> None:
    rows, truth = febrl(zhike_data / "linkage" / "febrl1.csv")
    found = {(one.first, one.second) for one in _linkage.matches(rows, FEBRL)}
    assert quality(found, truth) >= 0.99


ZHANG = {
    "id": "1",
    "name": "张三",
    "pinyin": "zhangsan",
    "initials": "zs",
    "birthday": "1990-01-01",
    "sex": "male",
}


@pytest.mark.parametrize(
    ("other", "is_found"),
    [
        ({}, True),
        ({"name": "章三"}, True),
        ({"birthday": "1990-01-02"}, False),
        ({"birthday": "1984-07-19"}, False),
        ({"name": "李四", "pinyin": "lisi", "initials": "ls"}, False),
    ],
)
def test_how_alike_is_alike(other: dict[str, str], is_found: bool) -> None:
    """A namesake born on another day is nobody's twin."""
    found = _linkage.matches([ZHANG, ZHANG | {"id": "2"} | other], _linkage.PERSONS, at_least=0.9)
    assert bool(found) == is_found


def test_identifiers_speak_by_their_strength() -> None:
    one = {"name": "张三", "pinyin": "zhangsan", "birthday": "", "sex": ""}
    other = one | {"name": "李四", "pinyin": "lisi"}
    assert rules.suggests({"phone"}, one, one)
    assert not rules.suggests({"phone", "card"}, one, other)
    assert rules.suggests({"unionid"}, one, other)
    born = [one | {"birthday": day} for day in ("1990-01-01", "1991-01-01")]
    assert not rules.suggests({"unionid"}, *born)


@pytest.fixture
def town(db: None) -> Town:
    return build_town()


def member(town: Town, no: int, name: str = "张三", birthday: dt.date | None = dt.date(1990, 1, 1)) -> int:
    return loyalty.enroll_member(
        actor=SYSTEM,
        name=name,
        phone=f"1380013800{no}",
        birthday=birthday,
        mall_id=town.mall_id,
        source="counter",
        now=NOW,
    ).person_id


def test_suggested_once_and_never_again_when_rejected(town: Town) -> None:
    first, second, third = member(town, 1), member(town, 2), member(town, 3, "李四")
    assert loyalty.find_twins(actor=SYSTEM, now=NOW) == 1
    [one] = twins.suggestions(SYSTEM).items
    assert (one.first.id, one.second.id, one.basis) == (first, second, "likeness")
    assert third not in (one.first.id, one.second.id)
    assert one.probability > 0.99
    loyalty.reject_suggestion(actor=SYSTEM, suggestion_id=one.id, unsure=True, now=NOW)
    assert twins.suggestions(SYSTEM).items[0].state == "unsure"
    loyalty.reject_suggestion(actor=SYSTEM, suggestion_id=one.id, now=NOW)
    assert loyalty.find_twins(actor=SYSTEM, now=NOW) == 0
    assert not twins.suggestions(SYSTEM).items
    with pytest.raises(suggesting.SuggestionDecided):
        loyalty.accept_suggestion(actor=SYSTEM, suggestion_id=one.id, reason="同一人", now=NOW)


def test_accepted_merges_into_the_older_record(town: Town) -> None:
    first, second = member(town, 1), member(town, 2)
    loyalty.find_twins(actor=SYSTEM, now=NOW)
    [one] = twins.suggestions(SYSTEM).items
    outcome = loyalty.accept_suggestion(actor=SYSTEM, suggestion_id=one.id, reason="同一人", now=NOW)
    assert outcome.state == "merged"
    row = Suggestion.objects.get()
    assert (row.state, row.merge_id) == ("accepted", outcome.merge_id)
    assert twins.open_suggestions(SYSTEM) == 0
    assert (first, second) == (one.first.id, one.second.id)


def test_a_number_given_up_and_taken_by_the_same_name(town: Town) -> None:
    first, second = member(town, 1, birthday=None), member(town, 2, birthday=None)
    from zhike.customers import queries

    phone = queries.person(second).active("phone")
    assert phone is not None
    customers.retire_identifier(
        actor=SYSTEM, person_id=second, identifier_id=phone.id, reason="given_up", now=NOW
    )
    customers.add_identifier(
        actor=SYSTEM, person_id=first, identifier=customers.NewIdentifier("phone", "13800138002"), now=NOW
    )
    loyalty.find_twins(actor=SYSTEM, now=NOW)
    [one] = twins.suggestions(SYSTEM).items
    assert (one.basis, one.evidence) == ("identifier", (("phone", 1),))


def test_only_who_may_judges(town: Town) -> None:
    member(town, 1), member(town, 2)
    with pytest.raises(NotAllowed):
        loyalty.find_twins(actor=staff("members.view"), now=NOW)
    loyalty.find_twins(actor=SYSTEM, now=NOW)
    [one] = twins.suggestions(SYSTEM).items
    with pytest.raises(NotAllowed):
        twins.suggestions(staff("members.view"))
    stranger: Viewer = staff("members.merge", level="mall", ids=[town.other_mall_id])
    assert not twins.suggestions(stranger).items
    with pytest.raises(NotFound):
        loyalty.reject_suggestion(actor=stranger, suggestion_id=one.id, now=NOW)
    colleague = staff("members.merge", level="mall", ids=[town.mall_id])
    loyalty.reject_suggestion(actor=colleague, suggestion_id=one.id, now=NOW)
