"""A till without network trusts a signed coupon by its public key, and nothing else."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from tests.offers.conftest import basket
from tests.plugins.environment import ROOT
from tools import verify_coupon as till
from zhike.kernel import keyring
from zhike.kernel.errors import NotAllowed
from zhike.offers import operations as offers
from zhike.offers import queries

pytestmark = pytest.mark.feature("C109", "B36")
SCRIPT = ROOT / "tools" / "verify_coupon.py"
Held = Callable[..., offers.Issued]
AT = NOW.timestamp()


@pytest.fixture
def keys(db: None) -> list[bytes]:
    return [bytes.fromhex(key) for key in queries.signing_keys(SYSTEM).values()]


def qr_of(coupon: offers.Issued) -> str:
    found = queries.coupon_by_code(SYSTEM, coupon.code, NOW)
    assert found is not None
    return found.payload


def test_the_till_learns_all_it_needs(held: Held, keys: list[bytes]) -> None:
    coupon = held(kind="threshold", value_fen=2000, minimum_fen=10_000, offline=True)
    found = till.verify(qr_of(coupon), keys, set(), AT)
    assert (found.code, found.batch, found.kind) == (coupon.code, coupon.batch_id, "threshold")
    assert (found.value, found.minimum_fen) == (2000, 10_000)
    assert found.begins <= AT < found.ends
    percent = till.verify(
        qr_of(held(kind="percent", value_fen=0, percent_bp=1500, offline=True)), keys, set(), AT
    )
    parking = held(kind="parking", minutes=60, offline=True)
    assert (percent.kind, percent.value) == ("percent", 1500)
    assert till.verify(qr_of(parking), keys, set(), AT).kind == "parking"


def test_only_coupons_that_ask_for_it_are_signed(held: Held, keys: list[bytes]) -> None:
    plain = held()
    assert qr_of(plain) == f"ZKC.{plain.code}"
    with pytest.raises(ValueError, match="not a signed coupon"):
        till.verify(qr_of(plain), keys, set(), AT)


def test_nothing_of_it_can_be_changed(held: Held, keys: list[bytes]) -> None:
    payload = qr_of(held(offline=True))
    parts = payload.split(".")
    for at, other in ((1, "7Q2MXK4VTW9HCA35"), (2, "99"), (3, "C9000-0"), (4, "0"), (5, str(2**33))):
        forged = ".".join([*parts[:at], other, *parts[at + 1 :]])
        with pytest.raises(ValueError, match="signature"):
            till.verify(forged, keys, set(), AT)
    with pytest.raises(ValueError, match="signature"):
        till.verify(payload, [bytes(32)], set(), AT)
    for broken in (
        "",
        "ZKS",
        payload + "A",
        payload.replace("-", ""),
        payload[:-9] + "!",
        "ZKS.A.B.X1-1.1.1.AA",
    ):
        with pytest.raises(ValueError, match=r"signed coupon|signature"):
            till.verify(broken, keys, set(), AT)


def test_in_time_and_once(held: Held, keys: list[bytes]) -> None:
    payload, used = qr_of(held(offline=True)), set[str]()
    for at, word in ((AT - 40 * 86_400, "not good yet"), (AT + 40 * 86_400, "expired")):
        with pytest.raises(ValueError, match=word):
            till.verify(payload, keys, used, at)
    till.verify(payload.lower(), keys, used, AT)
    with pytest.raises(ValueError, match="already"):
        till.verify(payload, keys, used, AT)


def test_what_an_old_key_signed_holds_after_the_keys_were_changed(
    held: Held, keys: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    coupon = held(offline=True)
    before = qr_of(coupon)
    monkeypatch.setattr(keyring, "_current", keyring.current().with_new_key())
    known = [bytes.fromhex(key) for key in queries.signing_keys(SYSTEM).values()]
    assert (len(known), known[0]) == (len(keys) + 1, keys[0])
    assert till.verify(before, known, set(), AT) == till.verify(qr_of(coupon), known, set(), AT)
    with pytest.raises(ValueError, match="signature"):
        till.verify(qr_of(coupon), keys, set(), AT)


def test_every_door_takes_the_whole_qr_as_the_code(held: Held, town: Town) -> None:
    payload = qr_of(held(offline=True))
    assert queries.looks_like_code(payload)
    used = offers.use_coupons(actor=SYSTEM, basket=basket(town, 9000), codes=[payload.lower()], now=NOW)
    assert (used.state, used.discount_fen) == ("used", 2000)


def test_the_keys_are_for_whoever_takes_coupons(keys: list[bytes]) -> None:
    with pytest.raises(NotAllowed):
        queries.signing_keys(staff("members.view"))


def test_the_tool_stands_alone(held: Held, keys: list[bytes], tmp_path: Path) -> None:
    """Python's isolated mode finds neither our code nor any installed package; its clock is today's."""
    (tmp_path / "keys").write_text("".join(key.hex() + "\n" for key in keys))
    today = dt.datetime.now(dt.UTC).date()
    validity = {
        "from": (today - dt.timedelta(days=2)).isoformat(),
        "to": (today + dt.timedelta(days=2)).isoformat(),
    }
    payload = qr_of(held(offline=True, validity=validity))
    command = [
        sys.executable,
        "-I",
        "-S",
        str(SCRIPT),
        str(tmp_path / "keys"),
        payload,
        str(tmp_path / "used"),
    ]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=False, cwd="/") for _ in range(2)
    )
    assert (first.returncode, first.stdout.split()[2], first.stderr) == (0, "cash", "")
    assert (second.returncode, second.stderr.strip()) == (1, "already taken here")
