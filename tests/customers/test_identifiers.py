"""Identifiers: added, lost, replaced, and found again."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest

from tests.people import NOW, Crew, Malls, build_malls, meet
from zhike.customers import operations, queries
from zhike.customers.models import Identifier
from zhike.customers.operations import NewIdentifier
from zhike.kernel import keyring
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.kernel.reencryption import reencrypt_batch, rows_by_key

ACTOR = system_viewer("tests")
LATER = NOW + dt.timedelta(hours=1)


@pytest.mark.feature("C018", "C064")
def test_every_identifier_resolves_to_the_one_person(zhang_san: int, crew: Crew) -> None:
    for kind, value in [
        ("plate", "粤B·12345"),
        ("email", "zhang@qq.com"),
        ("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
        ("unionid", "o6_bmasdasdsad6_2sgVt7hMZOPfL"),
    ]:
        operations.add_identifier(
            actor=crew.wang, person_id=zhang_san, identifier=NewIdentifier(kind, value, NOW), now=NOW
        )
        assert queries.person_id_by(kind, value) == zhang_san
    assert queries.person_id_by("plate", "粤b12345") == zhang_san
    assert queries.person_id_by("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6O") is None, "case matters"
    assert queries.person_id_by("plate", "nonsense plate") is None
    assert Event.objects.filter(type="zhike.customers.identifier_added").count() == 4


def test_adding_what_is_theirs_already_changes_nothing(zhang_san: int) -> None:
    count = AuditEntry.objects.count()
    again = operations.add_identifier(
        actor=ACTOR, person_id=zhang_san, identifier=NewIdentifier("phone", "138 0013 8000"), now=NOW
    )
    assert again == Identifier.objects.get(kind="phone").pk
    assert AuditEntry.objects.count() == count


@pytest.mark.feature("C018")
def test_what_is_somebody_elses_is_refused(zhang_san: int, li_si: int) -> None:
    with pytest.raises(operations.IdentifierTaken):
        operations.add_identifier(
            actor=ACTOR, person_id=li_si, identifier=NewIdentifier("card", "VIP0001"), now=NOW
        )
    with pytest.raises(operations.InvalidIdentifier):
        operations.add_identifier(
            actor=ACTOR, person_id=li_si, identifier=NewIdentifier("card", "?"), now=NOW
        )
    assert queries.person_id_by("card", "VIP0001") == zhang_san


@pytest.mark.feature("C028", "C029")
def test_strangers_and_till_staff_touch_no_identifier(zhang_san: int, crew: Crew) -> None:
    card = Identifier.objects.get(kind="card")
    for stranger in (crew.qian, crew.li, crew.zhou, crew.ops, crew.nobody):
        with pytest.raises((NotAllowed, NotFound)):
            operations.add_identifier(
                actor=stranger, person_id=zhang_san, identifier=NewIdentifier("plate", "粤B12345"), now=NOW
            )
        with pytest.raises((NotAllowed, NotFound)):
            operations.retire_identifier(
                actor=stranger, person_id=zhang_san, identifier_id=card.pk, reason="lost", now=NOW
            )
        with pytest.raises((NotAllowed, NotFound)):
            operations.replace_card(
                actor=stranger, person_id=zhang_san, card="VIP0002", reason="lost", now=NOW
            )
    assert Identifier.objects.filter(person_id=zhang_san, retired_at=None).count() == 2


@pytest.mark.feature("C004")
def test_lost_card_stops_at_once_and_the_new_one_is_theirs(zhang_san: int, crew: Crew) -> None:
    operations.replace_card(actor=crew.sun, person_id=zhang_san, card="VIP0002", reason="lost", now=LATER)
    assert queries.person_id_by("card", "VIP0001") is None
    assert queries.is_reported_lost("card", "VIP0001")
    assert queries.person_id_by("card", "VIP0002") == zhang_san
    assert not queries.is_reported_lost("card", "VIP0002")
    cards = [view for view in queries.person(zhang_san).identifiers if view.kind == "card"]
    assert [(view.masked, view.retired_reason) for view in cards] == [("****02", ""), ("****01", "lost")]
    types = list(Event.objects.order_by("position").values_list("type", flat=True))[-2:]
    assert types == ["zhike.customers.identifier_retired", "zhike.customers.identifier_added"]
    assert list(AuditEntry.objects.order_by("-id").values_list("action", flat=True)[:2]) == [
        "identifier.add",
        "identifier.retire",
    ]


@pytest.mark.feature("C004")
def test_lost_card_goes_to_nobody_else_but_back_to_its_owner(
    zhang_san: int, li_si: int, malls: Malls
) -> None:
    card = Identifier.objects.get(kind="card")
    for _twice in range(2):
        operations.retire_identifier(
            actor=ACTOR, person_id=zhang_san, identifier_id=card.pk, reason="lost", now=LATER
        )
    with pytest.raises(operations.CardReportedLost):
        operations.replace_card(actor=ACTOR, person_id=li_si, card="VIP0001", reason="new", now=LATER)
    with pytest.raises(operations.CardReportedLost):
        meet(malls, "王五", "13700137000", card="VIP0001")
    operations.replace_card(actor=ACTOR, person_id=zhang_san, card="VIP0001", reason="found", now=LATER)
    assert queries.person_id_by("card", "VIP0001") == zhang_san
    assert not queries.is_reported_lost("card", "VIP0001")


@pytest.mark.feature("C004")
def test_refused_replacement_leaves_the_old_card_working(zhang_san: int, malls: Malls) -> None:
    meet(malls, "王五", "13700137000", card="VIP0009")
    with pytest.raises(operations.IdentifierTaken):
        operations.replace_card(actor=ACTOR, person_id=zhang_san, card="VIP0009", reason="lost", now=LATER)
    assert queries.person_id_by("card", "VIP0001") == zhang_san


def test_given_up_phone_may_become_somebody_elses(zhang_san: int, malls: Malls) -> None:
    new = NewIdentifier("phone", "13800138001", LATER)
    operations.replace_identifier(
        actor=ACTOR, person_id=zhang_san, identifier=new, reason="given_up", now=LATER
    )
    assert queries.person_id_by("phone", "13800138000") is None
    other = meet(malls, "王五", "13800138000")
    assert queries.person_id_by("phone", "13800138000") == other
    assert queries.person_id_by("phone", "13800138001") == zhang_san


def test_identifiers_have_a_limit(zhang_san: int) -> None:
    for number in range(operations.IDENTIFIERS_MAX - 2):
        operations.add_identifier(
            actor=ACTOR, person_id=zhang_san, identifier=NewIdentifier("plate", f"粤B{number:05d}"), now=NOW
        )
    with pytest.raises(operations.TooManyIdentifiers):
        operations.add_identifier(
            actor=ACTOR, person_id=zhang_san, identifier=NewIdentifier("plate", "粤B99999"), now=NOW
        )


def test_many_are_found_in_one_query(zhang_san: int, li_si: int, django_assert_num_queries: object) -> None:
    values = ["13800138000", "+86 139 0013 9000", "13700137000", "nonsense"]
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = queries.person_ids_by("phone", values)
    assert found == {"13800138000": zhang_san, "+86 139 0013 9000": li_si}
    assert queries.person_ids_by("phone", []) == {}


@pytest.mark.django_db(transaction=True)
def test_one_card_given_to_many_at_once_has_one_holder() -> None:
    from django.db import connection

    malls = build_malls()
    persons = [meet(malls, "王五", f"137001370{number:02d}") for number in range(32)]
    outcomes: list[str] = []
    start = threading.Barrier(32)

    def work(person_id: int) -> None:
        start.wait()
        try:
            operations.replace_card(actor=ACTOR, person_id=person_id, card="VIP7777", reason="new", now=NOW)
            outcomes.append("given")
        except operations.IdentifierTaken:
            outcomes.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[person_id]) for person_id in persons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["given"] + ["taken"] * 31
    assert Identifier.objects.filter(kind="card", retired_at=None).count() == 1


def test_keys_rotate_and_everybody_is_still_found(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZHIKE_KEYS", raising=False)
    monkeypatch.setenv("ZHIKE_KEY_FILE", str(tmp_path / "keys.json"))
    keyring.forget()
    try:
        malls = build_malls()
        person_id = meet(malls, "张三", "13800138000", card="VIP0001")
        operations.update_profile(
            actor=ACTOR, person_id=person_id, changes={"address": "深南大道 1 号"}, now=NOW
        )
        keyring.store(keyring.current().with_new_key().with_new_index_key())
        assert queries.person_id_by("phone", "13800138000") == person_id, "found by the old index"
        with pytest.raises(operations.IdentifierTaken):
            meet(malls, "又一个张三", "13800138000")
        for column in queries.encrypted_columns():
            batch = reencrypt_batch(column)
            assert not batch.unreadable
            assert set(rows_by_key(column)) <= {"k2", "index 2"}
        assert queries.person_ids_by("card", ["VIP0001"]) == {"VIP0001": person_id}
        for what, text in [("phone", "+8613800138000"), ("address", "深南大道 1 号")]:
            assert (
                operations.reveal(actor=ACTOR, person_id=person_id, what=what, reason="核对", now=NOW) == text
            )
        assert queries.profile_history(person_id)[0].after == "深南****"
    finally:
        monkeypatch.undo()
        keyring.forget()
