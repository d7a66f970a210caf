"""Checks a points ledger from its export, trusting neither the program that wrote it nor its database.

    python verify_ledger.py LEDGER.zip [--key HEX] [--digest DAY.json ...]

LEDGER.zip is what `zhike ledger export` writes. `--key` is the public key you wrote down when you were shown it,
`--digest` a signed day you kept. Python's own library is all that is needed; nothing of Zhike is imported.
From the transfers alone it derives every balance, debt, lot, award and redemption again, hashes the transfers into the
chain of seals, and checks each signed day: its signature (RFC 8032), the chain of days, its seals and totals. Whatever
does not fit is named by table, id and field, the first cause first. The exit code is 0 when all fits, 1 otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

# A new reason code is one word: the system accounts (1 issued, 2 redeemed, 3 expired, 4 adjusted, 5 pending, 6 held,
# 7 merging, 8 pooled) that may stand on the other side. An unknown one may move points anywhere and is checked by sums and seals alone.
COUNTERPARTS: dict[str, set[int]] = {
    reason: {which}
    for which, reasons in enumerate((
        "earn clawback check_in birthday referral mission prize welcome stamps take_back", "redeem restore", "expire reinstate",
        "adjust grant revoke undo waive opening", "release", "hold unhold", "merge unmerge", "pool_in pool_out",
    ), 1)
    for reason in reasons.split()
}  # fmt: skip
# Between two system accounts: points begin or cease to wait; held and pooled ones are spent.
BESIDE = {
    "earn": [(1, 5)], "clawback": [(5, 1)], "undo": [(5, 1)], "redeem": [(6, 2), (8, 2)], "restore": [(2, 8)], "expire": [(8, 3)],
}  # fmt: skip
PENDING, HELD = 5, 6
# An award's own transfer, a redemption's own, and its reversals.
EARNS, SPENDS, GIVES_BACK = {"earn"}, {"redeem"}, {"restore"}

GENESIS = bytes(32)
ID_BYTES, MARK_BYTES, SHOWN = 8, 4, 50


class Finding(NamedTuple):
    table: str
    id: str
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.table} {self.id} {self.field}: expected {self.expected}, found {self.found}"


class Ledger:
    """An export: one JSON array per row, columns by the manifest."""

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path)
        self.manifest = json.loads(self.archive.read("manifest.json"))
        self.columns: dict[str, list[str]] = self.manifest["columns"]
        self.findings: list[Finding] = []
        self.counts: dict[str, int] = {}

    def lines(self, table: str) -> Iterator[bytes]:
        with self.archive.open(f"{table}.jsonl") as file:
            yield from file

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        names, count = self.columns[table], 0
        for line in self.lines(table):
            count += 1
            yield dict(zip(names, json.loads(line), strict=True))
        self.counts[table] = count
        if count != self.manifest["rows"][table]:
            self.tell(table, "*", "rows", self.manifest["rows"][table], count)

    def tell(self, table: str, row: object, field: str, expected: object, found: object) -> None:
        self.findings.append(Finding(table, str(row), field, str(expected), str(found)))

    def expect(self, table: str, row: object, facts: Mapping[str, tuple[Any, Any]]) -> None:
        """`facts` are (expected, found) by field."""
        for field, (expected, found) in facts.items():
            if expected != found:
                self.tell(table, row, field, expected, found)


# --- signed days ------------------------------------------------------------------------------------------------

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
Point = tuple[int, int, int, int]


def _recover_x(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    x2 = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (_P + 3) // 8, _P)
    if (x * x - x2) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - x2) % _P:
        return None
    return _P - x if (x & 1) != sign else x


def _decompress(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = _recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % _P)


def _add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0]) % _P
    f = (a[1] + a[0]) * (b[1] + b[0]) % _P
    g, h = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % _P, k * m % _P, j * k % _P, i * m % _P)


def _times(number: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _recover_x(_BASE_Y, 0) or 0
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519, RFC 8032 section 5.1.7."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    a, r = _decompress(public_key), _decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= _Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _Q
    left, right = _times(s, _BASE), _add(r, _times(h, a))
    return not (
        (left[0] * right[2] - right[0] * left[2]) % _P or (left[1] * right[2] - right[1] * left[2]) % _P
    )


def check_days(ledger: Ledger, key: str, kept: Mapping[str, str]) -> list[dict[str, Any]]:
    """The documents that can be believed, oldest first."""
    table = "loyalty_dailydigest"
    documents: list[dict[str, Any]] = []
    key_of: dict[str, str] = {}
    previous = GENESIS.hex()
    for row in ledger.rows(table):
        day, text = row["day"], row["document"]
        digest = hashlib.sha256(text.encode()).digest()
        document, is_whole = _document(text)
        trusted = key or key_of.setdefault(row["kid"], row["public_key"])
        if row["public_key"] != trusted:
            ledger.tell(table, day, "public_key", trusted, row["public_key"])
        if digest.hex() != row["digest"]:
            by_text = is_signed(bytes.fromhex(trusted), digest, bytes.fromhex(row["signature"]))
            field = "digest" if by_text else "document"
            ledger.tell(table, day, field, digest.hex() if by_text else "as signed", row[field][:80])
            is_whole = is_whole and by_text
        elif not is_signed(bytes.fromhex(trusted), digest, bytes.fromhex(row["signature"])):
            ledger.tell(table, day, "signature", "a signature of this document", row["signature"])
            is_whole = False
        if day in kept and kept[day] != digest.hex():
            ledger.tell(table, day, "document", f"the one you kept, {kept[day]}", digest.hex())
        if is_whole:
            facts = {name: (document[name], row[name]) for name in ("day", "signed_at", "kid")}
            ledger.expect(table, day, facts | {"document": (previous, document["previous"])})
            documents.append(document)
        previous = row["digest"]
    return documents


def _document(text: str) -> tuple[dict[str, Any], bool]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}, False
    return found, isinstance(found, dict) and "seals" in found


# --- seals ------------------------------------------------------------------------------------------------------


def check_seals(ledger: Ledger, documents: list[dict[str, Any]]) -> None:
    """Hash the transfers into the chain; where it breaks, let the fingerprints say which column of which row."""
    table = "loyalty_seal"
    signed = {seal[0]: seal for document in documents for seal in document["seals"]}
    seals = list(ledger.rows(table))
    for seal in seals:
        if said := signed.pop(seal["id"], None):
            names = ("first_transfer_id", "last_transfer_id", "transfers", "previous", "digest")
            facts = {name: (said[at], seal[name]) for at, name in enumerate(names, 1)}
            prints = hashlib.sha256(bytes.fromhex(seal["fingerprints"])).hexdigest()
            facts |= {"fingerprints": (said[6], prints), "sealed_at": (said[7], seal["sealed_at"])}
            ledger.expect(table, seal["id"], facts)
    for missing in signed:
        ledger.tell(table, missing, "id", "as signed", "missing")
    transfers = ledger.lines("loyalty_transfer")
    line, previous, next_first = next(transfers, None), GENESIS, 1
    for seal in seals:
        digest, own, marks = hashlib.sha256(previous), [], list[bytes]()
        if seal["first_transfer_id"] != next_first:
            ledger.tell(table, seal["id"], "first_transfer_id", next_first, seal["first_transfer_id"])
        while line is not None and (row := json.loads(line))[0] <= seal["last_transfer_id"]:
            digest.update(line)
            own.append(row)
            marks.append(_fingerprint(row))
            line = next(transfers, None)
        facts = {
            "previous": (previous.hex(), seal["previous"]),
            "transfers": (len(own), seal["transfers"]),
            "digest": (digest.hexdigest(), seal["digest"]),
        }
        if any(expected != found for expected, found in facts.values()):
            _name_rows(ledger, seal, marks)
        elif b"".join(marks).hex() != seal["fingerprints"] and seal["fingerprints"]:
            ledger.tell(table, seal["id"], "fingerprints", "those of its transfers", "others")
        ledger.expect(table, seal["id"], facts)
        previous, next_first = bytes.fromhex(seal["digest"]), seal["last_transfer_id"] + 1


def _fingerprint(row: list[Any]) -> bytes:
    marks = [
        hashlib.blake2b(
            json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), digest_size=MARK_BYTES
        ).digest()
        for value in row
    ]
    return int(row[0]).to_bytes(ID_BYTES, "big") + b"".join(marks)


def _name_rows(ledger: Ledger, seal: Mapping[str, Any], prints: list[bytes]) -> None:
    columns = ledger.columns["loyalty_transfer"]
    size = ID_BYTES + MARK_BYTES * len(columns)
    blob = bytes.fromhex(seal["fingerprints"])
    if not blob or len(blob) % size:
        return
    cut = [blob[start : start + size] for start in range(0, len(blob), size)]
    before = {int.from_bytes(part[:ID_BYTES], "big"): part for part in cut}
    after = {int.from_bytes(part[:ID_BYTES], "big"): part for part in prints}
    for row in sorted(before.keys() | after.keys()):
        old, new = before.get(row), after.get(row)
        if old is None or new is None:
            ledger.tell(
                "loyalty_transfer", row, "id", "as sealed", "missing" if new is None else "not sealed"
            )
        elif old != new:
            for at, name in enumerate(columns):
                start = ID_BYTES + at * MARK_BYTES
                if old[start : start + MARK_BYTES] != new[start : start + MARK_BYTES]:
                    ledger.tell("loyalty_transfer", row, name, "as sealed", "changed")


# --- balances ---------------------------------------------------------------------------------------------------


class Waiting:
    """Points of one receipt that could not be spent yet, from the transfers that touched account *pending*."""

    def __init__(self, earn: Mapping[str, Any]) -> None:
        said = json.loads(earn["explanation"])
        self.account, self.available_on = said.get("account"), said.get("available_on")
        self.points = earn["points"]
        self.lots = json.loads(earn["lots"])
        self.released_at: str | None = None

    def take(self, points: int) -> None:
        """The earliest expiry goes first."""
        left = []
        for *key, part in sorted(self.lots):
            gone = min(part, points)
            points -= gone
            if part > gone:
                left.append([*key, part - gone])
        self.lots = left


class Hold:
    """Points set aside, from the transfers that touched account *held*."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.account, self.points = row["debit_account_id"], row["points"]
        self.said, self.lots = json.loads(row["explanation"]), sorted(json.loads(row["lots"]))
        self.left, self.used, self.status = row["points"], 0, "open"
        self.at, self.by = row["occurred_at"], row["actor"]


class Books:
    """What follows from the transfers alone."""

    def __init__(self) -> None:
        self.balance: dict[int, int] = defaultdict(int)
        self.debt: dict[int, int] = defaultdict(int)
        self.system: dict[int, int] = defaultdict(int)
        self.earned: dict[tuple[Any, ...], int] = defaultdict(int)
        self.remaining: dict[tuple[Any, ...], int] = defaultdict(int)
        self.program: dict[int, int] = {}
        self.awards: dict[str, dict[str, Any]] = {}
        self.redemptions: dict[str, dict[str, Any]] = {}
        self.given_back: dict[str, int] = defaultdict(int)
        self.waiting: dict[str, Waiting] = {}
        self.holds: dict[str, Hold] = {}
        self.counted = 0

    def totals(self) -> dict[str, Any]:
        outstanding: dict[str, int] = defaultdict(int)
        for (_account, *_expiry, funding), points in self.remaining.items():
            outstanding[str(funding)] += points
        return {
            "transfers": self.counted,
            "balance": sum(self.balance.values()),
            "debt": sum(self.debt.values()),
            "system": {str(account): net for account, net in self.system.items() if net},
            "outstanding": {funding: points for funding, points in outstanding.items() if points},
        }


def check_transfers(ledger: Ledger, documents: list[dict[str, Any]]) -> Books:
    books, last_id = Books(), 0
    days = iter(documents)
    day = next(days, None)
    for row in ledger.rows("loyalty_transfer"):
        while day is not None and row["id"] > day["last_transfer_id"]:
            _check_totals(ledger, day, books)
            day = next(days, None)
        if row["id"] <= last_id:
            ledger.tell("loyalty_transfer", row["id"], "id", f"above {last_id}", row["id"])
        last_id = row["id"]
        _post(ledger, books, row)
    while day is not None:
        _check_totals(ledger, day, books)
        day = next(days, None)
    return books


def _check_totals(ledger: Ledger, day: Mapping[str, Any], books: Books) -> None:
    totals = books.totals()
    said = {
        "transfers": day["transfers"],
        "balance": day["members"]["balance"],
        "debt": day["members"]["debt"],
        "system": day["system"],
        "outstanding": day["outstanding"],
    }
    facts = {f"document.{name}": (total, said[name]) for name, total in totals.items()}
    ledger.expect("loyalty_dailydigest", day["day"], facts)


def _post(ledger: Ledger, books: Books, row: dict[str, Any]) -> None:
    table, lots = "loyalty_transfer", json.loads(row["lots"])
    books.counted += 1
    parts = sum(lot[-1] for lot in lots) + row["debt_points"]
    if row["points"] != parts or row["points"] <= 0:
        ledger.tell(table, row["id"], "points", parts, row["points"])
    legs = [(row["credit_account_id"], 1), (row["debit_account_id"], -1)]
    if all(account < 0 for account, _ in legs):
        _check_beside(ledger, books, row)
    for account, sign in legs:
        if account < 0:
            books.system[account] += sign * row["points"]
            continue
        counterpart = next((other for other, _ in legs if other < 0), None)
        if counterpart is not None:
            _check_counterpart(ledger, books, row, account, counterpart)
        books.balance[account] += sign * (row["points"] - row["debt_points"])
        books.debt[account] -= sign * row["debt_points"]
        for *key, points in lots:
            lot = (account, *key)
            books.remaining[lot] += sign * points
            if sign > 0 and row["reverses_id"] is None:
                books.earned[lot] += points
            if books.remaining[lot] < 0:
                ledger.tell(table, row["id"], "lots", f"at most what lot {key} holds", points)
        net = books.balance[account] - books.debt[account]
        if counterpart is not None and row["balance_after"] != net:
            ledger.tell(table, row["id"], "balance_after", net, row["balance_after"])
            books.balance[account] += row["balance_after"] - net  # tell it once, not for every later row
    _remember(books, row)


def _check_counterpart(
    ledger: Ledger, books: Books, row: Mapping[str, Any], account: int, counterpart: int
) -> None:
    program, which = divmod(-counterpart, 10)
    books.program.setdefault(account, program)
    allowed = COUNTERPARTS.get(row["reason"], {which})
    field = "debit_account_id" if counterpart == row["debit_account_id"] else "credit_account_id"
    if which not in allowed or program != books.program[account]:
        expected = " or ".join(str(-(books.program[account] * 10 + one)) for one in sorted(allowed))
        ledger.tell("loyalty_transfer", row["id"], field, expected, counterpart)


def _check_beside(ledger: Ledger, books: Books, row: Mapping[str, Any]) -> None:
    """A transfer between two system accounts."""
    legs = (row["debit_account_id"], row["credit_account_id"])
    (program, _), pair = divmod(-legs[0], 10), tuple(-leg % 10 for leg in legs)
    allowed = min(BESIDE.get(row["reason"], [pair]), key=lambda known: known != pair)
    for field, found, which in zip(("debit_account_id", "credit_account_id"), legs, allowed, strict=True):
        if found != -(program * 10 + which):
            ledger.tell("loyalty_transfer", row["id"], field, -(program * 10 + which), found)
    said = json.loads(row["explanation"])
    receipt = said.get("sale") or said.get("award")
    if pair[1] == PENDING:
        books.waiting[receipt] = Waiting(row)
    elif pair[0] == PENDING and receipt in books.waiting:
        books.waiting[receipt].take(row["points"])
    elif pair[0] == HELD and (hold := books.holds.get(said.get("redemption", ""))):
        hold.used, hold.status = row["points"], "confirmed"
        hold.left -= row["points"]


def _remember(books: Books, row: dict[str, Any]) -> None:
    reason, (kind, _, key) = row["reason"], row["reference"].partition(":")
    if reason == "release" and key in books.waiting:
        books.waiting[key].take(row["points"])
        books.waiting[key].released_at = row["posted_at"]
    elif reason == "hold":
        books.holds[key] = Hold(row)
    elif reason == "unhold" and key in books.holds:
        books.holds[key].left -= row["points"]
        books.holds[key].status = json.loads(row["explanation"])["status"]
    if reason in EARNS and kind == "receipt":
        books.awards[key] = row
    elif reason in SPENDS and kind == "redemption":
        books.redemptions[key] = row
    elif reason in GIVES_BACK and kind == "redemption":
        books.given_back[key] += row["points"]


# --- what the tables say now ------------------------------------------------------------------------------------


def check_accounts(ledger: Ledger, books: Books, documents: list[dict[str, Any]]) -> None:
    table = "loyalty_account"
    signed = {row[0]: row for row in documents[-1]["system_accounts"]} if documents else {}
    known = {row["id"]: row for row in ledger.rows(table)}
    for account, row in known.items():
        facts = {
            "balance": (books.balance[account] if account > 0 else 0, row["balance"]),
            "debt": (books.debt[account] if account > 0 else 0, row["debt"]),
            "program_id": (books.program.get(account, row["program_id"]), row["program_id"]),
        }
        if account > 0:
            facts["code"] = ("", row["code"])
        elif account in signed:
            facts |= {name: (signed[account][at], row[name]) for at, name in ((1, "program_id"), (2, "code"))}
        ledger.expect(table, account, facts)
    for account in [*books.balance, *books.system, *signed]:
        if account not in known:
            ledger.tell(table, account, "id", account, "missing")


def check_lots(ledger: Ledger, books: Books) -> None:
    table = "loyalty_lot"
    names = [name for name in ledger.columns[table] if name not in ("earned", "remaining")]
    known = {tuple(row[name] for name in names): row for row in ledger.rows(table)}
    missing = {
        key for key in books.remaining.keys() - known.keys() if books.remaining[key] or books.earned[key]
    }
    for key, row in known.items():
        name = "/".join(map(str, key))
        if key in books.remaining:
            facts = {"remaining": (books.remaining[key], row["remaining"])}
            ledger.expect(table, name, facts | {"earned": (books.earned[key], row["earned"])})
            continue
        twins = [other for other in missing if sum(a != b for a, b in zip(key, other, strict=True)) == 1]
        if twins:
            at = next(index for index, value in enumerate(key) if value != twins[0][index])
            ledger.tell(table, name, names[at], twins[0][at], key[at])
        elif row["remaining"] or row["earned"]:
            ledger.tell(table, name, "remaining", 0, row["remaining"])
    for key in missing:
        ledger.tell(table, "/".join(map(str, key)), "remaining", books.remaining[key], "missing")


def check_fundings(ledger: Ledger, books: Books, documents: list[dict[str, Any]]) -> None:
    table = "loyalty_funding"
    signed = {row[0]: row for row in documents[-1]["fundings"]} if documents else {}
    known = set()
    for row in ledger.rows(table):
        known.add(row["id"])
        split = json.loads(row["split"])
        if row["id"] in signed:
            said = signed[row["id"]]
            ledger.expect(table, row["id"], {"code": (said[1], row["code"]), "split": (said[2], split)})
        if sum(split.values()) != 10_000:
            ledger.tell(table, row["id"], "split", "shares that sum to 10000", split)
    for funding in {key[-1] for key in books.remaining} | signed.keys():
        if funding not in known:
            ledger.tell(table, funding, "id", funding, "missing")


def check_waiting(ledger: Ledger, books: Books) -> None:
    """Exports of older programs have neither of these tables."""
    table = "loyalty_pendingpoints"
    waiting = {key: one for key, one in books.waiting.items() if one.lots}
    for row in ledger.rows(table) if table in ledger.columns else ():
        one = books.waiting.get(row["receipt_id"])
        waiting.pop(row["receipt_id"], None)
        if one is None:
            ledger.tell(table, row["receipt_id"], "receipt_id", "one whose points waited", row["receipt_id"])
            continue
        facts = {
            "account_id": (one.account, row["account_id"]),
            "points": (one.points, row["points"]),
            "remaining": (sum(lot[-1] for lot in one.lots), row["remaining"]),
            "lots": (one.lots, json.loads(row["lots"])),
            "available_on": (one.available_on, row["available_on"]),
            "released_at": (one.released_at, row.get("released_at", one.released_at)),
        }
        ledger.expect(table, row["receipt_id"], facts)
    for missing in waiting:
        ledger.tell(table, missing, "receipt_id", missing, "missing")


def value_of(said: Mapping[str, Any], lots: list[list[Any]], points: int) -> int:
    """Fen of the first points: each lot's at the rate promised to its funding, or at the rate of the day; rounded down once."""
    rates = {funding: Fraction(fen, per) for funding, per, fen in said.get("promises", ())}
    total = Fraction(0)
    for _day, funding, part in lots:
        taken = min(part, points)
        points -= taken
        total += taken * rates.get(funding, Fraction(said["rate"][1], said["rate"][0]))
    return int(total)


def check_holds(ledger: Ledger, books: Books) -> None:
    table = "loyalty_hold"
    missing = set(books.holds)
    for row in ledger.rows(table) if table in ledger.columns else ():
        one = books.holds.get(row["id"])
        missing.discard(row["id"])
        if one is None:
            ledger.tell(table, row["id"], "id", "a hold with a transfer", row["id"])
            continue
        status = "confirmed" if one.used else one.status
        worth = one.used if status == "confirmed" else one.points
        facts = {
            "account_id": (one.account, row["account_id"]),
            "points": (one.points, row["points"]),
            "used_points": (one.used, row["used_points"]),
            "value_fen": (value_of(one.said, one.lots, worth), row["value_fen"]),
            "status": (status, row["status"]),
            "held_at": (one.at, row.get("held_at", one.at)),
            "held_by": (one.by, row.get("held_by", one.by)),
        } | _same_slip(row, one.said)
        if status != "open" and one.left:
            facts["points"] = (one.points - one.left, one.points)
        ledger.expect(table, row["id"], facts)
    for hold in missing:
        ledger.tell(table, hold, "id", hold, "missing")


def check_awards(ledger: Ledger, books: Books) -> None:
    table = "loyalty_award"
    for row in ledger.rows(table):
        receipt, why = row["receipt_id"], json.loads(row["explanation"])
        earned = books.awards.get(receipt)
        if earned is None and row["points"]:
            ledger.tell(table, receipt, "receipt_id", "a receipt with a transfer", receipt)
            continue
        derived = rederive(why, why.get("rounding", "down"))
        points = earned["points"] if earned else 0
        facts = {"points": (points, row["points"]), "explanation": (row["points"], derived)}
        facts["tier_id"] = (why["tier"], row["tier_id"])
        if earned:
            said = json.loads(earned["explanation"])
            facts |= _same_reasons(why, said)
            owner = earned["credit_account_id"]
            facts["account_id"] = (owner if owner > 0 else said["account"], row["account_id"])
            facts["occurred_at"] = (earned["occurred_at"], row["occurred_at"])
        ledger.expect(table, receipt, facts)


def _same_reasons(why: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The transfer carries a mark of the award's reasons; it is under the seal, they are not."""
    text = json.dumps(why, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {} if said.get("why", mark) == mark else {"explanation": (said["why"], mark)}


def _same_slip(row: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The transfer carries the shop, and a mark of the till's own number."""
    if "slip" not in said or "reference" not in row:
        return {}
    mark = hashlib.sha256(row["reference"].encode()).hexdigest()[:16]
    return {"merchant_id": (said["slip"][0], row["merchant_id"]), "reference": (said["slip"][1], mark)}


def rederive(explanation: Mapping[str, Any], rounding: str) -> int:
    """Points from an award's own reasons: eligible fen × base × multipliers, rounded, then capped, rule by rule."""
    total = 0
    for part in explanation["rules"]:
        if "base" not in part:
            continue
        numerator, denominator = part["base"][0], part["base"][1] * 10_000
        for _, _, bp in part["factors"]:
            numerator, denominator = numerator * bp, denominator * 10_000
        numerator *= sum(fen * bp for _, fen, bp, _ in part["lines"])
        if rounding == "up":
            points = -(-numerator // denominator)
        elif rounding == "half_up":
            points = (2 * numerator + denominator) // (2 * denominator)
        else:
            points = numerator // denominator
        for _, limit, used in part["caps"]:
            points = min(points, max(0, limit - used))
        total += points
    return total


def check_redemptions(ledger: Ledger, books: Books) -> None:
    table, seen = "loyalty_redemption", set()
    by_transfer = {row["id"]: key for key, row in books.redemptions.items()}
    for row in ledger.rows(table):
        spent = books.redemptions.get(row["id"])
        seen.add(row["id"])
        if spent is None:
            known = by_transfer.get(row["transfer_id"])
            field = "id" if known else "transfer_id"
            ledger.tell(table, row["id"], field, known or "a redemption", row["id"])
            continue
        said = json.loads(spent["explanation"])
        facts = {
            "transfer_id": (spent["id"], row["transfer_id"]),
            "points": (spent["points"], row["points"]),
            "value_fen": (value_of(said, json.loads(spent["lots"]), spent["points"]), row["value_fen"]),
            "reversed_points": (books.given_back[row["id"]], row["reversed_points"]),
            "redeemed_at": (spent["occurred_at"], row["redeemed_at"]),
            "redeemed_by": (spent["actor"], row["redeemed_by"]),
        } | _same_slip(row, said)
        ledger.expect(table, row["id"], facts)
    for key in books.redemptions.keys() - seen:
        ledger.tell(table, key, "id", key, "missing")


def verify(path: Path, key: str = "", kept: Mapping[str, str] | None = None) -> Ledger:
    """Every check; the ledger with what was found."""
    ledger = Ledger(path)
    documents = check_days(ledger, key, kept or {})
    check_seals(ledger, documents)
    books = check_transfers(ledger, documents)
    check_accounts(ledger, books, documents)
    check_lots(ledger, books)
    check_fundings(ledger, books, documents)
    check_waiting(ledger, books)
    check_holds(ledger, books)
    check_awards(ledger, books)
    check_redemptions(ledger, books)
    return ledger


def _kept(paths: list[Path], key: str) -> dict[str, str]:
    """The hashes of the signed days somebody kept, by day; a file that is not signed itself ends everything."""
    kept = {}
    for path in paths:
        file = json.loads(path.read_text(encoding="utf-8"))
        digest = hashlib.sha256(file["document"].encode()).digest()
        if not is_signed(bytes.fromhex(key or file["public_key"]), digest, bytes.fromhex(file["signature"])):
            sys.exit(f"{path}: the signature does not fit")
        kept[json.loads(file["document"])["day"]] = digest.hex()
    return kept


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", default="", help="the public key in hex, from a source you trust")
    parser.add_argument("--digest", type=Path, action="append", default=[], help="a signed day you kept")
    given = parser.parse_args(arguments)
    ledger = verify(given.export, given.key, _kept(given.digest, given.key))
    counts = ", ".join(
        f"{count:,} {table.removeprefix('loyalty_')}" for table, count in ledger.counts.items()
    )
    print(f"checked: {counts}")
    for finding in ledger.findings[:SHOWN]:
        print(finding)
    if len(ledger.findings) > SHOWN:
        print(f"and {len(ledger.findings) - SHOWN:,} more")
    print("The ledger does not add up." if ledger.findings else "The ledger adds up.")
    return 1 if ledger.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
