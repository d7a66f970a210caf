"""The ledger leaves as a file, and a program without any of ours names whatever was changed in it or before it."""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town, staff
from tests.loyalty.test_proof import tamper
from tests.loyalty.test_returns import bring_back
from tests.plugins.environment import ROOT
from tools import verify_ledger as auditor
from zhike.kernel import keyring
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import DailyDigest, Seal
from zhike.loyalty.queries.exports import TABLES

pytestmark = pytest.mark.feature("N1")
SCRIPT = ROOT / "tools" / "verify_ledger.py"
DAY = dt.timedelta(days=1)


def live_for_two_days() -> Town:
    """Earned, waiting, held, spent, given back, returned, corrected; sealed and signed on two days."""
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分", definition=BASE_RULE,
        effective_from=NOW.replace(month=1), now=NOW, backdated=True,
    )  # fmt: skip
    for day, phone in enumerate(("13800138000", "13900139000")):
        now = NOW + day * DAY
        member = loyalty.enroll_member(
            actor=SYSTEM, name="张三", phone=phone, mall_id=town.mall_id, source="counter", now=now
        )
        sale = town.receipt([30_000, 20_000], person_id=member.person_id, at=now)
        sold = loyalty.take_receipt(actor=SYSTEM, receipt=sale, now=now)
        spent = loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=480, now=now)
        loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=30, now=now)
        bring_back(sold.receipt_id, loyalty.ReturnLine(2), number=f"T{day}")
        loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=500, reason="补", now=now)
        wait_and_hold(town, member, now)
        share(member, now)
        loyalty.sign_day(actor=SYSTEM, now=now + DAY)
    return town


def wait_and_hold(town: Town, member: loyalty.EnrolledMember, now: dt.datetime) -> None:
    """Points that wait, some of them taken back and some let go; holds of every end."""
    for days in (0, 5):
        loyalty.update_program(
            actor=SYSTEM, program_id=town.program_id, changes={"return_window_days": days}, now=now
        )
        sale = town.receipt([30_000, 20_000], person_id=member.person_id, at=now - (5 - days) * DAY)
        loyalty.take_receipt(actor=SYSTEM, receipt=sale, now=now - (5 - days) * DAY)
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt([1_200, 400], person_id=member.person_id, at=now), now=now
    )
    bring_back(sold.receipt_id, loyalty.ReturnLine(2), number=f"W{sold.receipt_id}")
    old = town.receipt(1_700, person_id=member.person_id, at=now - 5 * DAY)
    loyalty.take_receipt(actor=SYSTEM, receipt=old, now=now - 5 * DAY)
    loyalty.release_points(actor=SYSTEM, program_id=town.program_id, now=now)
    held = [
        loyalty.hold_points(actor=SYSTEM, member_id=member.member_id, points=points, now=now)
        for points in (20, 30, 40)
    ]
    loyalty.confirm_hold(actor=SYSTEM, hold_id=held[0].hold_id, points=15, now=now)
    loyalty.release_hold(actor=SYSTEM, hold_id=held[1].hold_id, now=now)
    loyalty.update_program(
        actor=SYSTEM, program_id=town.program_id, changes={"return_window_days": 0}, now=now
    )


def share(member: loyalty.EnrolledMember, now: dt.datetime) -> None:
    """Points of a household's pool: put in, spent, given back, taken out."""
    own: dict[str, Any] = {"actor": SYSTEM, "member_id": member.member_id, "now": now}
    loyalty.found_household(name="家", **own)
    loyalty.put_into_pool(points=60, **own)
    spent = loyalty.spend_from_pool(points=20, **own)
    loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=5, now=now)
    loyalty.leave_household(**own)


@pytest.fixture
def archive(transactional_db: None, tmp_path: Path) -> Path:
    live_for_two_days()
    return export_to(tmp_path / "ledger.zip")


def export_to(path: Path) -> Path:
    with path.open("wb") as target:
        loyalty.hand_out_ledger(actor=SYSTEM, target=target, now=NOW)
    return path


def rewritten(source: Path, table: str, column: str, *, last: bool) -> Path:
    """A copy of the export in which one cell says something else."""
    target = source.with_name(f"{table}.{column}.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        columns = json.loads(old.read("manifest.json"))["columns"]
        for name in old.namelist():
            data = old.read(name)
            if name == f"{table}.jsonl":
                lines = data.splitlines(keepends=True)
                row = json.loads(lines[-1 if last else 0])
                at = columns[table].index(column)
                row[at] = other_value(row[at], column)
                lines[-1 if last else 0] = auditor_line(row)
                data = b"".join(lines)
            new.writestr(name, data)
    return target


def auditor_line(row: list[Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def other_value(value: Any, column: str) -> Any:
    if value is None:
        return 1
    if isinstance(value, int):
        return value + 7
    if column == "lots":
        return '[["2031-01-31", 1, 3]]'
    if column == "status":
        return "expired"
    if column in ("split", "explanation"):
        return next(value.replace(old, new, 1) for old, new in ("12", "05", "补礼") if old in value)
    if column in ("expires_on", "available_on", "day"):
        return (dt.date.fromisoformat(value) + DAY).isoformat()
    if column.endswith("_at"):
        return value.replace("T", "T0", 1)[:-1]
    return ("0" if value[:1] != "0" else "1") + value[1:] if value else "x"


CELLS = [(table, column) for table, (columns, _sql) in TABLES.items() for column in columns]


def test_an_export_adds_up_and_the_verifier_stands_alone(archive: Path) -> None:
    """Python's isolated mode finds neither our code nor any installed package."""
    key = queries.public_keys(SYSTEM)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(archive), "--key", list(key.values())[-1]],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "The ledger adds up." in done.stdout
    assert "2 dailydigest" in done.stdout
    imports = {
        line.split()[1] for line in SCRIPT.read_text().splitlines() if line.startswith(("import ", "from "))
    }
    assert {name.split(".")[0] for name in imports} <= sys.stdlib_module_names


def test_every_cell_of_every_table_is_named_when_it_is_changed(archive: Path) -> None:
    missed = []
    for table, column in CELLS:
        for last in (False, True):
            found = auditor.verify(rewritten(archive, table, column, last=last)).findings
            if (table, column) not in {(one.table, one.field) for one in found}:
                missed.append((table, column, last, found[:3]))
    assert missed == []


def test_a_change_behind_the_program_in_the_database_is_named_too(archive: Path, tmp_path: Path) -> None:
    """Both verifiers, ours and the stand-alone one, name the very column of the very transfer."""
    for column, value in {
        "actor": "'system:nobody'",
        "occurred_at": "occurred_at - interval '1 day'",
    }.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id, {column} FROM loyalty_transfer ORDER BY id LIMIT 1")
            transfer_id, before = cursor.fetchone()
        _tamper_committed(f"UPDATE loyalty_transfer SET {column} = {value} WHERE id = {transfer_id}")
        ours = queries.verify_ledger().findings
        theirs = auditor.verify(export_to(tmp_path / f"{column}.zip")).findings
        assert (ours[0].table, ours[0].id, ours[0].field) == ("loyalty_transfer", str(transfer_id), column)
        assert (theirs[0].table, theirs[0].id, theirs[0].field) == (
            "loyalty_transfer",
            str(transfer_id),
            column,
        )
        _tamper_committed(f"UPDATE loyalty_transfer SET {column} = '{before}' WHERE id = {transfer_id}")
    assert queries.verify_ledger().is_clean


def test_who_when_where_and_what_for_of_holds_and_redemptions_are_named(archive: Path) -> None:
    """Ours names every one of them too, though the tables themselves are under no seal: their transfers tell."""
    changes = {
        "loyalty_hold": ("held_by", "held_at", "merchant_id", "reference"),
        "loyalty_redemption": ("redeemed_by", "redeemed_at", "merchant_id", "reference"),
        "loyalty_pendingpoints": ("released_at",),
    }
    for table, columns in changes.items():
        key = "receipt_id" if table == "loyalty_pendingpoints" else "id"
        for column in columns:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {key}, {column} FROM {table} LIMIT 1")
                row_id, before = cursor.fetchone()
                other = {"merchant_id": "(SELECT min(id) FROM organization_merchant)"}.get(
                    column, "'anything'"
                )
                value = "now()" if column.endswith("_at") else other
                cursor.execute(f"UPDATE {table} SET {column} = {value} WHERE {key} = %s", [row_id])
                named = {(one.table, one.id, one.field) for one in queries.verify_ledger().findings}
                assert named == {(table, str(row_id), column)}
                cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", [before, row_id])
    assert queries.verify_ledger().is_clean


def test_what_older_programs_wrote_is_no_finding(archive: Path) -> None:
    """Their transfers say nothing of the shop and the till's number, and their exports have no such columns."""
    target = archive.with_name("older.zip")
    newer = ("held_at", "held_by", "merchant_id", "reference", "released_at")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        for name in old.namelist():
            table, data = name.removesuffix(".jsonl"), old.read(name)
            if table in ("loyalty_hold", "loyalty_redemption", "loyalty_pendingpoints"):
                kept = [at for at, column in enumerate(manifest["columns"][table]) if column not in newer]
                rows = [json.loads(line) for line in data.splitlines()]
                data = b"".join(auditor_line([row[at] for at in kept]) for row in rows)
                manifest["columns"][table] = [manifest["columns"][table][at] for at in kept]
            if name != "manifest.json":
                new.writestr(name, data)
        new.writestr("manifest.json", json.dumps(manifest))
    assert auditor.verify(target).findings == []


def _tamper_committed(sql: str) -> None:
    from django.db import transaction

    with transaction.atomic():
        tamper(sql)


def test_a_missing_row_is_named(archive: Path) -> None:
    for table in ("loyalty_transfer", "loyalty_account", "loyalty_lot", "loyalty_redemption", "loyalty_seal"):
        target = archive.with_name(f"short.{table}.zip")
        with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name == f"{table}.jsonl":
                    data = b"".join(data.splitlines(keepends=True)[1:])
                new.writestr(name, data)
        found = auditor.verify(target).findings
        assert table in {one.table for one in found}


def test_who_forges_everything_is_caught_by_the_key_and_by_a_day_kept_outside(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An intruder with the database rewrites history, seals it anew and signs it with a key of their own."""
    kept = tmp_path / "day.json"
    kept.write_text(queries.daily_digests(SYSTEM)[-1].file, encoding="utf-8")
    key = queries.public_keys(SYSTEM)["k1"]
    assert auditor.main([str(archive), "--key", key, "--digest", str(kept)]) == 0
    _tamper_committed("UPDATE loyalty_transfer SET actor = 'system:nobody'")
    _tamper_committed("UPDATE loyalty_redemption SET redeemed_by = 'system:nobody'")
    _tamper_committed("UPDATE loyalty_hold SET held_by = 'system:nobody'")
    _tamper_committed("DELETE FROM loyalty_seal")
    _tamper_committed("DELETE FROM loyalty_dailydigest")
    forged = keyring.Keyring.generate()
    monkeypatch.setattr(keyring, "_current", forged)
    for day in (0, 1):
        loyalty.sign_day(actor=SYSTEM, now=NOW + (day + 1) * DAY)
    again = export_to(tmp_path / "forged.zip")
    assert auditor.verify(again).findings == []
    assert {one.field for one in auditor.verify(again, key).findings} >= {"public_key"}
    assert auditor.main([str(again), "--digest", str(kept)]) == 1


class TestSigning:
    def test_a_day_is_signed_once_and_carries_the_day_before(self, transactional_db: None) -> None:
        live_for_two_days()
        days = queries.daily_digests(SYSTEM)
        assert [day.day for day in days] == [NOW.date() + DAY, NOW.date()]
        assert all(day.holds for day in days)
        assert days[0].facts["previous"] == days[1].digest
        assert days[0].facts["transfers"] == sum(Seal.objects.values_list("transfers", flat=True))
        assert loyalty.sign_day(actor=SYSTEM, now=NOW + 2 * DAY) == days[0].day
        assert DailyDigest.objects.count() == 2
        assert AuditEntry.objects.filter(action="ledger.sign").count() == 2
        lots = sum(days[0].facts["outstanding"].values())
        assert lots == days[0].facts["members"]["balance"]
        system = sum(days[0].facts["system"].values())
        assert system + lots - days[0].facts["members"]["debt"] == 0

    def test_a_day_that_is_not_over_cannot_be_signed(self, town: Town) -> None:
        with pytest.raises(loyalty.DayNotOver):
            loyalty.sign_day(actor=SYSTEM, now=NOW, day=NOW.date())
        assert not DailyDigest.objects.exists()

    @pytest.mark.parametrize("viewer", [staff(), staff("programme.edit", "points.view")])
    def test_strangers_neither_sign_nor_export_nor_read(self, town: Town, viewer: Viewer) -> None:
        target = io.BytesIO()
        for act in (
            lambda: loyalty.sign_day(actor=viewer, now=NOW),
            lambda: loyalty.hand_out_ledger(actor=viewer, target=target, now=NOW),
            lambda: queries.daily_digests(viewer),
            lambda: queries.public_keys(viewer),
            lambda: queries.seal_state(viewer),
        ):
            with pytest.raises(NotAllowed):
                act()
        assert target.getvalue() == b""
        assert not AuditEntry.objects.filter(action__startswith="ledger").exists()


@pytest.fixture(autouse=True)
def known_keys() -> Iterator[None]:
    yield
    keyring.forget()
