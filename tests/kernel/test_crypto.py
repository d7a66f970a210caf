import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.facts import NOON
from tests.kernel.threads import run_threads
from zhike.kernel import crypto, health, keyring, operations, queries
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.crypto import DecryptionFailed, blind_index, blind_indexes, decrypt, encrypt
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.keyring import KeyringUnusable
from zhike.kernel.models import AuditEntry
from zhike.kernel.operations import KeyInUse
from zhike.kernel.reencryption import EncryptedColumn, closed_fields, reencrypt_batch

pytestmark = pytest.mark.feature("C026")

PHONE = "people.person.phone"
KEEPER = Viewer(kind="staff", id=5, label="Kim", grants=(Grant(frozenset({"keys.manage"}), "all"),))
STRANGER = Viewer(kind="staff", id=6, label="Lou")


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test has a key file of its own."""
    path = tmp_path / "keys.json"
    monkeypatch.delenv("ZHIKE_KEYS", raising=False)
    monkeypatch.setenv("ZHIKE_KEY_FILE", str(path))
    keyring.forget()
    yield path
    monkeypatch.undo()
    keyring.forget()


def rotate(*, index: bool = False) -> None:
    ring = keyring.current()
    keyring.store(ring.with_new_index_key() if index else ring.with_new_key())


@given(text=st.text(), row=st.one_of(st.integers(1), st.uuids().map(str)))
def test_text_survives_the_round_trip(text: str, row: int | str) -> None:
    assert decrypt(encrypt(text, field=PHONE, row=row), field=PHONE, row=row) == text


def test_envelope_names_scheme_and_key_and_hides_the_rest() -> None:
    envelope = encrypt("13800138000", field=PHONE, row=1)
    assert envelope.startswith(b"v1.k1.")
    assert len(envelope.split(b".")) == 4
    assert b"13800138000" not in envelope
    assert encrypt("13800138000", field=PHONE, row=1) != envelope
    assert crypto.key_id(envelope) == "k1"
    assert crypto.key_id(b"plain") == ""


def test_value_is_bound_to_its_row_and_field() -> None:
    envelope = encrypt("13800138000", field=PHONE, row=1)
    with pytest.raises(DecryptionFailed):
        decrypt(envelope, field=PHONE, row=2)
    with pytest.raises(DecryptionFailed):
        decrypt(envelope, field="people.person.fax", row=1)


@given(position=st.integers(0, 200), flip=st.integers(1, 255))
def test_changed_envelope_does_not_open(position: int, flip: int) -> None:
    envelope = bytearray(encrypt("13800138000", field=PHONE, row=1))
    position %= len(envelope)
    envelope[position] ^= flip
    with pytest.raises(DecryptionFailed):
        decrypt(bytes(envelope), field=PHONE, row=1)


@pytest.mark.parametrize(
    "rubbish", [b"", b"...", b"v1.k1.AAAA", b"v1.k9.AAAAAAAAAAAAAAAA.AAAA", b"\xff.\xff.\xff.a"]
)
def test_rubbish_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        decrypt(rubbish, field=PHONE, row=1)


def test_encryption_needs_to_know_the_place() -> None:
    for place in ({"field": "phone", "row": 1}, {"field": PHONE, "row": ""}, {"field": PHONE, "row": None}):
        with pytest.raises(ValueError, match="the id of the row"):
            encrypt("x", **place)


def test_new_key_writes_and_the_old_one_still_reads() -> None:
    old = encrypt("13800138000", field=PHONE, row=1)
    rotate()
    new = encrypt("13800138000", field=PHONE, row=1)
    assert new.startswith(b"v1.k2.")
    assert decrypt(old, field=PHONE, row=1) == decrypt(new, field=PHONE, row=1) == "13800138000"


def test_key_that_another_process_added_is_found() -> None:
    encrypt("x", field=PHONE, row=1)
    before = keyring.current()
    rotate()
    envelope = encrypt("x", field=PHONE, row=1)
    keyring._current = before
    assert decrypt(envelope, field=PHONE, row=1) == "x"


def test_foreign_key_does_not_open(own_keys: Path) -> None:
    envelope = encrypt("x", field=PHONE, row=1)
    own_keys.unlink()
    keyring.forget()
    with pytest.raises(DecryptionFailed):
        decrypt(envelope, field=PHONE, row=1)


def test_blind_index_is_equal_for_equal_values_of_one_field() -> None:
    index = blind_index("+8613800138000", field=PHONE)
    assert index == blind_index("+8613800138000", field=PHONE)
    assert len(index) == 17
    assert index[0] == 1
    assert index != blind_index("+8613800138001", field=PHONE)
    assert index[1:] != blind_index("+8613800138000", field="people.person.fax")[1:]


def test_look_up_knows_all_live_versions_newest_first() -> None:
    first = blind_index("x", field=PHONE)
    rotate(index=True)
    assert blind_index("x", field=PHONE)[0] == 2
    assert blind_indexes("x", field=PHONE) == [blind_index("x", field=PHONE), first]


def test_key_file_is_made_once_and_only_for_its_owner(own_keys: Path) -> None:
    envelope = encrypt("x", field=PHONE, row=1)
    assert stat.S_IMODE(own_keys.stat().st_mode) == 0o600
    assert list(own_keys.parent.iterdir()) == [own_keys]
    keyring.forget()
    assert decrypt(envelope, field=PHONE, row=1) == "x"


def test_threads_that_start_at_once_share_one_key(own_keys: Path) -> None:
    rings = run_threads([keyring.reload] * 16)
    assert len({ring.text() for ring in rings}) == 1


def test_production_never_makes_keys(own_keys: Path, settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(KeyringUnusable, match="No keys"):
        encrypt("x", field=PHONE, row=1)
    assert not own_keys.exists()


def test_keys_may_come_from_the_environment(own_keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_KEYS", keyring.Keyring.generate().text())
    assert decrypt(encrypt("x", field=PHONE, row=1), field=PHONE, row=1) == "x"
    assert not own_keys.exists()
    with pytest.raises(keyring.KeysNotInFile):
        rotate()


def keys_text(kid: str, version: int, secret: str = "A" * 43 + "=") -> str:
    return json.dumps(
        {"keys": [{"kid": kid, "secret": secret}], "index_keys": [{"version": version, "secret": secret}]}
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": [], "index_keys": []}',
        keys_text("k1", 1, secret="c2hvcnQ="),
        keys_text("k.1", 1),
        keys_text("k1", 256),
    ],
)
def test_unusable_keys_are_refused(text: str) -> None:
    with pytest.raises(KeyringUnusable):
        keyring.Keyring.parse(text)


# Rotation over a table


COLUMN = EncryptedColumn(
    field=PHONE,
    table="test_person",
    column="phone",
    index_column="phone_index",
    index_of=lambda text: blind_index(text, field=PHONE),
)


@pytest.fixture
def people(db: None, settings: Any) -> list[int]:
    settings.ENCRYPTED_COLUMNS = lambda: [COLUMN]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_person (id bigint PRIMARY KEY, phone bytea, phone_index bytea)")
        for row in range(1, 26):
            text = f"+86138{row:08d}"
            cursor.execute(
                "INSERT INTO test_person VALUES (%s, %s, %s)",
                [row, encrypt(text, field=PHONE, row=row), blind_index(text, field=PHONE)],
            )
        cursor.execute("INSERT INTO test_person VALUES (99, NULL, NULL)")
    return list(range(1, 26))


def phones() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, phone FROM test_person WHERE phone IS NOT NULL ORDER BY id")
        return {row: decrypt(bytes(envelope), field=PHONE, row=row) for row, envelope in cursor.fetchall()}


def test_rotation_brings_every_row_under_the_new_keys(people: list[int]) -> None:
    before = phones()
    assert operations.rotate_keys(actor=KEEPER, now=NOON) == "k2"
    assert operations.rotate_keys(actor=KEEPER, now=NOON, index=True) == "index 2"
    assert queries.keys_status(KEEPER) == {"k1": {PHONE: 25}, "k2": {}, "index 1": {PHONE: 25}, "index 2": {}}
    with pytest.raises(KeyInUse):
        operations.retire_key(actor=KEEPER, name="k1", now=NOON)
    assert operations.reencrypt_everything(actor=KEEPER, now=NOON) == 0
    assert queries.keys_status(KEEPER) == {"k1": {}, "k2": {PHONE: 25}, "index 1": {}, "index 2": {PHONE: 25}}
    operations.retire_key(actor=KEEPER, name="k1", now=NOON)
    operations.retire_key(actor=KEEPER, name="index 1", now=NOON)
    assert list(keyring.current().keys) == ["k2"]
    assert phones() == before
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["keys.rotate"] * 2 + ["keys.reencrypt"] + ["keys.retire"] * 2


def test_reencryption_goes_on_where_it_stopped(people: list[int]) -> None:
    rotate()
    first = reencrypt_batch(COLUMN, limit=10)
    assert (first.after, first.changed) == (10, 10)
    second = reencrypt_batch(COLUMN, limit=10)
    assert (second.after, second.changed) == (20, 10)
    last = reencrypt_batch(COLUMN, after=second.after, limit=10)
    assert (last.after, last.changed) == (None, 5)
    assert reencrypt_batch(COLUMN).changed == 0


def test_row_that_no_key_opens_is_reported_and_left_alone(people: list[int]) -> None:
    rotate()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE test_person SET phone = 'v1.k1.broken.broken' WHERE id = 3")
    assert operations.reencrypt_everything(actor=KEEPER, now=NOON) == 1
    assert queries.keys_status(KEEPER)["k1"] == {PHONE: 1}


def test_lost_keys_are_noticed_before_anybody_is_enrolled_twice(
    people: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key file made anew, or another installation's, has the same names; only trying tells."""
    monkeypatch.setattr(health, "_keys_fit", False)
    ours = keyring.current()
    monkeypatch.setenv("ZHIKE_KEY_FILE", str(tmp_path / "made-anew.json"))
    keyring.forget()
    assert list(keyring.current().keys) == list(ours.keys)
    [check] = [one for one in health.readiness() if one.name == "keys"]
    assert (check.ok, check.detail, check.critical) == (False, f"not those that wrote {PHONE}", True)

    keyring.store(keyring.Keyring(ours.keys, keyring.current().index_keys))
    assert closed_fields() == [PHONE, PHONE], "they open, but nobody would be found"
    keyring.store(ours)
    assert closed_fields() == []
    assert health.is_ready(health.readiness())


def test_one_damaged_value_is_not_taken_for_lost_keys(people: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE test_person SET phone = 'v1.k1.broken.broken' WHERE id IN (1, 25)")
    assert closed_fields() == []


def test_keys_are_closed_to_strangers_and_the_newest_stays(people: list[int]) -> None:
    with pytest.raises(NotAllowed):
        operations.rotate_keys(actor=STRANGER, now=NOON)
    with pytest.raises(NotAllowed):
        operations.retire_key(actor=STRANGER, name="k1", now=NOON)
    with pytest.raises(NotAllowed):
        queries.keys_status(STRANGER)
    for name in ("k1", "index 1", "k7", "index 7", "index x", ""):
        with pytest.raises(NotFound):
            operations.retire_key(actor=KEEPER, name=name, now=NOON)
    assert os.environ["ZHIKE_KEY_FILE"] == str(keyring.key_file())
    assert list(keyring.current().keys) == ["k1"]
