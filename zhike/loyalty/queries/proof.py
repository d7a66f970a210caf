"""Does it add up? Balances, lots, awards and seals are derived again from the transfers alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from zhike.kernel.snapshots import one_snapshot
from zhike.loyalty.models import Award, GrowthAccount, Program, Seal
from zhike.loyalty.rules.earning import rederive
from zhike.loyalty.rules.growth import GENESIS as CHAIN_START
from zhike.loyalty.rules.growth import mark_of
from zhike.loyalty.rules.sealing import (
    GENESIS,
    SEALED_COLUMNS,
    SLIP_LENGTH,
    changed_columns,
    fingerprint,
    fingerprints_by_id,
    row_bytes,
)

FINDINGS_MAX = 100

# Each check selects (table, id, field, expected, found) of what does not fit, and nothing when all is well.
CHECKS: dict[str, str] = {
    "balances": """
        SELECT 'loyalty_account', a.id, 'balance', coalesce(e.net, 0), a.balance - a.debt
        FROM loyalty_account a
        LEFT JOIN (SELECT account_id, sum(change) AS net FROM loyalty_entry GROUP BY account_id) e
            ON e.account_id = a.id
        WHERE a.member_id IS NOT NULL AND a.balance - a.debt <> coalesce(e.net, 0)""",
    "lots": """
        WITH moved AS (
            SELECT account_id, (lot->>0)::date AS expires_on, (lot->>1)::bigint AS funding_id,
                sum(sign * (lot->>2)::bigint) AS remaining,
                sum((lot->>2)::bigint) FILTER (WHERE sign > 0 AND reason NOT IN ('restore', 'unhold')) AS earned
            FROM loyalty_entry, jsonb_array_elements(lots) AS lot GROUP BY 1, 2, 3)
        SELECT 'loyalty_lot', concat_ws('/', account_id, expires_on, funding_id), fact.field, fact.expected, fact.found
        FROM loyalty_lot l FULL JOIN moved m USING (account_id, expires_on, funding_id),
        LATERAL (VALUES ('remaining', coalesce(m.remaining, 0), coalesce(l.remaining, 0)),
            ('earned', coalesce(m.earned, 0), coalesce(l.earned, 0))) AS fact(field, expected, found)
        WHERE fact.expected <> fact.found""",
    "lots_of_account": """
        SELECT 'loyalty_account', a.id, 'balance', coalesce(sum(l.remaining), 0), a.balance
        FROM loyalty_account a LEFT JOIN loyalty_lot l ON l.account_id = a.id
        WHERE a.member_id IS NOT NULL GROUP BY a.id HAVING a.balance <> coalesce(sum(l.remaining), 0)""",
    "parts_of_transfer": """
        SELECT 'loyalty_transfer', t.id, 'points', coalesce(sum((lot->>2)::bigint), 0) + t.debt_points, t.points
        FROM loyalty_transfer t LEFT JOIN LATERAL jsonb_array_elements(t.lots) AS lot ON true
        GROUP BY t.id HAVING t.points <> coalesce(sum((lot->>2)::bigint), 0) + t.debt_points""",
    "running_balance": """
        SELECT 'loyalty_transfer', transfer_id, 'balance_after', expected, balance_after FROM (
            SELECT transfer_id, balance_after,
                sum(change) OVER (PARTITION BY account_id ORDER BY transfer_id) AS expected
            FROM loyalty_entry) running
        WHERE expected <> balance_after""",
    "awards_have_transfers": """
        SELECT 'loyalty_award', w.receipt_id, 'points', coalesce(t.points, 0), w.points
        FROM loyalty_award w
        LEFT JOIN loyalty_transfer t ON t.reference = 'receipt:' || w.receipt_id AND t.reason = 'earn'
        WHERE w.points <> coalesce(t.points, 0)""",
    "pending_points": """
        WITH moved AS (
            SELECT coalesce(t.explanation->>'sale', t.explanation->>'award') AS receipt,
                sum(CASE WHEN c.code = 'pending' THEN t.points ELSE -t.points END) AS remaining,
                max(coalesce((t.explanation->>'of')::bigint, m.id)) FILTER (WHERE t.reason = 'release') AS account_id
            FROM loyalty_transfer t JOIN loyalty_account d ON d.id = t.debit_account_id
            JOIN loyalty_account c ON c.id = t.credit_account_id
            LEFT JOIN loyalty_account m ON m.id = t.credit_account_id AND m.member_id IS NOT NULL
            WHERE 'pending' IN (d.code, c.code) GROUP BY 1),
        kept AS (
            SELECT w.*, coalesce((SELECT sum((lot->>2)::bigint) FROM jsonb_array_elements(w.lots) AS lot), 0) AS in_lots,
                a.account_id AS owner, a.points - a.clawed_points AS owed
            FROM loyalty_pendingpoints w LEFT JOIN loyalty_award a ON a.receipt_id = w.receipt_id)
        SELECT 'loyalty_pendingpoints', coalesce(k.receipt_id::text, m.receipt), fact.field, fact.expected, fact.found
        FROM kept k FULL JOIN moved m ON m.receipt = k.receipt_id::text,
        LATERAL (VALUES ('remaining', coalesce(m.remaining, 0), coalesce(k.remaining, 0)),
            ('lots', coalesce(k.remaining, 0), coalesce(k.in_lots, 0)),
            ('account_id', coalesce(m.account_id, k.owner), k.account_id),
            ('remaining', CASE WHEN k.remaining > 0 THEN k.owed END, CASE WHEN k.remaining > 0 THEN k.remaining END)
        ) AS fact(field, expected, found)
        WHERE fact.expected <> fact.found""",
    "holds": """
        WITH entered AS (
            SELECT t.id, t.points, coalesce(s.id, t.debit_account_id) AS debit_account_id FROM loyalty_transfer t
            JOIN loyalty_account c ON c.id = t.credit_account_id
            LEFT JOIN loyalty_account s ON s.member_id = (t.explanation->>'side')::bigint WHERE c.code = 'held'),
        ended AS (
            SELECT t.reverses_id AS id, sum(t.points) AS points, sum(t.points) FILTER (WHERE t.reason = 'redeem') AS used
            FROM loyalty_transfer t JOIN loyalty_account d ON d.id = t.debit_account_id WHERE d.code = 'held' GROUP BY 1)
        SELECT 'loyalty_hold', coalesce(h.id::text, e.id::text), fact.field, fact.expected, fact.found
        FROM loyalty_hold h LEFT JOIN loyalty_account a ON a.member_id = h.member_id
        FULL JOIN entered e ON e.id = h.transfer_id LEFT JOIN ended o ON o.id = e.id,
        LATERAL (VALUES ('points', coalesce(e.points, 0), coalesce(h.points, 0)),
            ('member_id', e.debit_account_id, a.id),
            ('used_points', coalesce(o.used, 0), coalesce(h.used_points, 0)),
            ('status', coalesce(o.points, 0), CASE WHEN h.status = 'open' THEN 0 ELSE h.points END)
        ) AS fact(field, expected, found)
        WHERE fact.expected IS DISTINCT FROM fact.found""",
    "slips": f"""
        SELECT said.kind, said.id, fact.field, fact.expected, fact.found
        FROM (SELECT 'loyalty_hold' AS kind, id::text, transfer_id, held_by AS by, held_at AS at, merchant_id, reference
              FROM loyalty_hold
              UNION ALL SELECT 'loyalty_redemption', id::text, transfer_id, redeemed_by, redeemed_at, merchant_id, reference
              FROM loyalty_redemption) said
        JOIN loyalty_transfer t ON t.id = said.transfer_id,
        LATERAL (SELECT left(encode(sha256(convert_to(said.reference, 'UTF8')), 'hex'), {SLIP_LENGTH}) AS mark) AS own,
        LATERAL (VALUES (CASE said.kind WHEN 'loyalty_hold' THEN 'held_by' ELSE 'redeemed_by' END, t.actor, said.by),
            (CASE said.kind WHEN 'loyalty_hold' THEN 'held_at' ELSE 'redeemed_at' END, t.occurred_at::text, said.at::text),
            ('merchant_id', CASE WHEN t.explanation ? 'slip' THEN coalesce(t.explanation->'slip'->>0, '') END,
                coalesce(said.merchant_id::text, '')),
            ('reference', t.explanation->'slip'->>1, own.mark)
        ) AS fact(field, expected, found)
        WHERE fact.expected <> fact.found""",
    "released": """
        SELECT 'loyalty_pendingpoints', w.receipt_id, 'released_at', t.posted_at, w.released_at
        FROM loyalty_pendingpoints w
        LEFT JOIN loyalty_transfer t ON t.reason = 'release' AND t.reference = 'receipt:' || w.receipt_id
        WHERE t.posted_at IS DISTINCT FROM w.released_at""",
    "merges": """
        SELECT 'loyalty_transfer', min(t.id), 'points', 0, sum(CASE WHEN c.code = 'merging' THEN t.points ELSE -t.points END)
        FROM loyalty_transfer t JOIN loyalty_account d ON d.id = t.debit_account_id
        JOIN loyalty_account c ON c.id = t.credit_account_id WHERE 'merging' IN (d.code, c.code) GROUP BY t.reference
        HAVING sum(CASE WHEN c.code = 'merging' THEN t.points ELSE -t.points END) <> 0""",
    "pools": """
        WITH moved AS (
            SELECT (t.explanation->>'pool')::bigint AS household_id, (s->>0)::bigint AS member_id,
                (s->>1)::date AS expires_on, (s->>2)::bigint AS funding_id,
                sum(CASE WHEN c.code = 'pooled' THEN (s->>3)::bigint ELSE -(s->>3)::bigint END) AS remaining
            FROM loyalty_transfer t JOIN loyalty_account d ON d.id = t.debit_account_id
            JOIN loyalty_account c ON c.id = t.credit_account_id, jsonb_array_elements(t.explanation->'shares') AS s
            WHERE 'pooled' IN (d.code, c.code) GROUP BY 1, 2, 3, 4)
        SELECT 'loyalty_poolshare', concat_ws('/', household_id, member_id, expires_on, funding_id), 'remaining',
            coalesce(m.remaining, 0), coalesce(p.remaining, 0)
        FROM loyalty_poolshare p FULL JOIN moved m USING (household_id, member_id, expires_on, funding_id)
        WHERE coalesce(m.remaining, 0) <> coalesce(p.remaining, 0)""",
    "parts_of_pools": """
        SELECT 'loyalty_transfer', t.id, 'explanation', t.points,
            coalesce((SELECT sum((s->>3)::bigint) FROM jsonb_array_elements(t.explanation->'shares') AS s), 0)
        FROM loyalty_transfer t JOIN loyalty_account d ON d.id = t.debit_account_id
        JOIN loyalty_account c ON c.id = t.credit_account_id WHERE 'pooled' IN (d.code, c.code)
            AND t.points <> coalesce((SELECT sum((s->>3)::bigint) FROM jsonb_array_elements(t.explanation->'shares') AS s), 0)""",
    "growth_balances": """
        SELECT 'loyalty_growthaccount', coalesce(g.account_id, e.account_id), 'balance', coalesce(e.total, 0),
            coalesce(g.balance, 0)
        FROM loyalty_growthaccount g FULL JOIN (
            SELECT account_id, sum(change) AS total FROM loyalty_growthentry GROUP BY account_id) e USING (account_id)
        WHERE coalesce(g.balance, 0) <> coalesce(e.total, 0)""",
    "growth_running_balance": """
        SELECT 'loyalty_growthtransfer', transfer_id, 'balance_after', expected, balance_after FROM (
            SELECT transfer_id, balance_after, sum(change) OVER (PARTITION BY account_id ORDER BY transfer_id) AS expected
            FROM loyalty_growthentry) running
        WHERE expected <> balance_after""",
    "growth_reasons": """
        SELECT 'loyalty_growthtransfer', transfer_id, fact.field, fact.expected, fact.found FROM (
            SELECT e.transfer_id, e.source, t.explanation AS why,
                sum(e.change) OVER (PARTITION BY e.account_id, e.reference ORDER BY e.transfer_id) AS total
            FROM loyalty_growthentry e JOIN loyalty_growthtransfer t ON t.id = e.transfer_id) entry,
        LATERAL (VALUES ('growth', (why->>'total')::bigint, total),
            ('explanation', CASE WHEN why ? 'gone' THEN 0 WHEN source = 'spend'
                THEN (why->>'fen')::bigint * (why->>'growth')::bigint / (why->>'per_fen')::bigint
                ELSE coalesce(why->>'visit', why->>'each')::bigint END, (why->>'total')::bigint)
        ) AS fact(field, expected, found)
        WHERE fact.expected IS DISTINCT FROM fact.found""",
    "redemptions_have_transfers": """
        SELECT 'loyalty_redemption', r.id, 'points', t.points, r.points
        FROM loyalty_redemption r JOIN loyalty_transfer t ON t.id = r.transfer_id WHERE t.points <> r.points""",
    "reversals_have_transfers": """
        SELECT 'loyalty_redemption', r.id, 'reversed_points', coalesce(sum(t.points), 0), r.reversed_points
        FROM loyalty_redemption r
        LEFT JOIN loyalty_transfer t ON t.reason = 'restore' AND t.reference = 'redemption:' || r.id
        GROUP BY r.id HAVING r.reversed_points <> coalesce(sum(t.points), 0)""",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit: where it stands, what the transfers say it must be, what it is."""

    check: str
    table: str
    id: str
    field: str
    expected: str
    found: str


@dataclass(slots=True)
class VerifyReport:
    accounts: int = 0
    transfers: int = 0
    lots: int = 0
    awards: int = 0
    seals: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.findings


@one_snapshot()
def verify_ledger(progress: Callable[[str], None] | None = None) -> VerifyReport:
    """Run every check; at most FINDINGS_MAX findings each. ``progress`` hears the name of each check as it begins.

    All of it as of one moment: what tills write meanwhile is in none of the checks, instead of in the later ones only.
    """
    report = VerifyReport()
    tell = progress or (lambda name: None)
    with connection.cursor() as cursor:
        for name in ("account", "transfer", "lot", "award"):
            cursor.execute(f"SELECT count(*) FROM loyalty_{name}")
            setattr(report, f"{name}s", cursor.fetchone()[0])
        for name, sql in CHECKS.items():
            tell(name)
            cursor.execute(f"{sql} LIMIT {FINDINGS_MAX}")
            report.findings += [Finding(name, *map(str, row)) for row in cursor.fetchall()]
    tell("explanations")
    report.findings += _explanations()
    tell("growth_chains")
    report.findings += _growth_chains()
    tell("seals")
    report.findings += _seals(report)
    return report


def _explanations() -> list[Finding]:
    """Awards whose own explanation gives other points than they got."""
    rounding = Program.objects.order_by("id").values_list("rounding", flat=True).first() or "down"
    findings: list[Finding] = []
    rows = Award.objects.values_list("receipt_id", "points", "explanation").iterator(chunk_size=5_000)
    for receipt_id, points, explanation in rows:
        expected = rederive(explanation, explanation.get("rounding", rounding))
        if expected != points and len(findings) < FINDINGS_MAX:
            findings.append(
                Finding(
                    "explanations",
                    "loyalty_award",
                    str(receipt_id),
                    "explanation",
                    str(expected),
                    str(points),
                )
            )
    return findings


_GROWTH_ROWS = """
SELECT greatest(debit_account_id, credit_account_id), id, mark, debit_account_id, credit_account_id, growth, source,
    reference, day, explanation, balance_after, actor, occurred_at, posted_at
FROM loyalty_growthtransfer ORDER BY 1, 2"""


def _growth_chains() -> list[Finding]:
    """Entries of growth value whose mark does not follow from the one before, and accounts with another last mark."""
    findings: list[Finding] = []
    heads: dict[int, bytes] = {}
    with connection.cursor() as cursor:
        cursor.execute(_GROWTH_ROWS)
        names = [column.name for column in cursor.description][3:]
        for account_id, row_id, mark, *values in cursor:
            row = dict(zip(names, values, strict=True)) | {"explanation": json.loads(values[6])}
            expected, found = mark_of(heads.get(account_id, CHAIN_START), row), bytes(mark)
            if expected != found and len(findings) < FINDINGS_MAX:
                findings.append(_mark("loyalty_growthtransfer", row_id, "mark", expected, found))
            heads[account_id] = found
    for account_id, head in GrowthAccount.objects.values_list("account_id", "head").iterator():
        expected = heads.pop(account_id, CHAIN_START)
        if expected != bytes(head) and len(findings) < FINDINGS_MAX:
            findings.append(_mark("loyalty_growthaccount", account_id, "head", expected, bytes(head)))
    return findings


def _mark(table: str, row_id: int, name: str, expected: bytes, found: bytes) -> Finding:
    return Finding("growth_chains", table, str(row_id), name, expected.hex(), found.hex())


def _seals(report: VerifyReport) -> list[Finding]:
    """Seals whose transfers no longer hash to their digest, or whose chain is broken; and the very columns changed."""
    findings: list[Finding] = []
    previous: bytes = GENESIS
    for seal in Seal.objects.order_by("id").iterator(chunk_size=10):
        report.seals += 1
        rows = hash_rows(seal.first_transfer_id, seal.last_transfer_id, previous)
        facts: list[tuple[str, Any, Any]] = [
            ("previous", previous.hex(), bytes(seal.previous).hex()),
            ("transfers", rows.count, seal.transfers),
            ("digest", rows.digest.hex(), bytes(seal.digest).hex()),
        ]
        for name, expected, found in facts:
            if expected != found:
                findings += _changed_rows(seal, rows)
                findings.append(
                    Finding("seals", "loyalty_seal", str(seal.pk), name, str(expected), str(found))
                )
                break
        previous = bytes(seal.digest)
    return findings


def _changed_rows(seal: Seal, rows: HashedRows) -> list[Finding]:
    """What the seal's fingerprints say of its transfers as they stand now."""
    before = fingerprints_by_id(bytes(seal.fingerprints), seal.transfers)
    after = fingerprints_by_id(rows.fingerprints, rows.count)
    found: list[Finding] = []
    if not before:
        return found
    for transfer_id in sorted(before.keys() | after.keys()):
        old, new = before.get(transfer_id), after.get(transfer_id)
        columns = changed_columns(old, new) if old and new else ["id"]
        state = "changed" if old and new else "missing" if old else "not sealed"
        found += [
            Finding("sealed_rows", "loyalty_transfer", str(transfer_id), name, "as sealed", state)
            for name in columns
        ]
        if len(found) >= FINDINGS_MAX:
            break
    return found


@dataclass(frozen=True, slots=True)
class HashedRows:
    """SHA-256 over the digest before and the canonical rows, how many they are, and their fingerprints."""

    digest: bytes
    count: int
    fingerprints: bytes


def hash_rows(first: int, last: int, previous: bytes) -> HashedRows:
    """The transfers first..last as a seal takes them."""
    digest, prints = hashlib.sha256(previous), []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SEALED_COLUMNS} FROM loyalty_transfer WHERE id BETWEEN %s AND %s ORDER BY id",
            [first, last],
        )
        for row in cursor:
            digest.update(row_bytes(row))
            prints.append(fingerprint(row))
    return HashedRows(digest.digest(), len(prints), b"".join(prints))
