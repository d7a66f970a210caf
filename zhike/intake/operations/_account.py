"""Counting where the rows of a file went."""

from __future__ import annotations

import json

from zhike.intake.files import BrokenRow
from zhike.intake.operations._staging import Rows, fetch
from zhike.intake.rules.reconciliation import SAMPLES_PER_REASON, Reconciliation, Sample


def reconcile(lines: int) -> Reconciliation:
    """The account of the plan, from the staging and planning tables."""
    early: dict[str, int] = dict(fetch("SELECT reason, count(*) FROM stage_reject GROUP BY 1"))
    late: dict[str, int] = dict(
        fetch("SELECT reason, sum(lines)::bigint FROM stage_receipt WHERE status = 'rejected' GROUP BY 1")
    )
    unusable: dict[str, int] = dict(fetch("SELECT reason, count(*) FROM stage_unusable GROUP BY 1"))
    quarantined = {
        reason: early.get(reason, 0) + late.get(reason, 0) + unusable.get(reason, 0)
        for reason in sorted({*early, *late, *unusable})
    }
    taken = fetch(
        """SELECT status IN ('new', 'own'), is_return, count(*), sum(lines)::bigint, sum(net_fen)::bigint
        FROM stage_receipt WHERE status IN ('new', 'own', 'known') GROUP BY 1, 2"""
    )
    by_kind = {(ours, is_return): (count, rows, fen) for ours, is_return, count, rows, fen in taken}
    nothing = (0, 0, 0)
    sold, returned = by_kind.get((True, False), nothing), by_kind.get((True, True), nothing)
    known = [by_kind.get((False, is_return), nothing) for is_return in (False, True)]
    matched = fetch("SELECT count(*) FROM stage_match")[0][0]
    returned_new = fetch(
        "SELECT coalesce(sum(lines), 0)::bigint FROM stage_receipt WHERE status = 'new' AND is_return"
    )[0][0]
    return Reconciliation(
        lines=lines,
        accepted=sold[1] + returned[1],
        merged=fetch("SELECT count(*) FROM stage_dropped")[0][0],
        already=sum(kind[1] for kind in known),
        quarantined=quarantined,
        receipts=sold[0],
        returns=returned[0],
        returns_matched=matched,
        returns_unmatched=returned_new - matched,
        receipts_already=sum(kind[0] for kind in known),
        net_fen=sold[2],
        returned_fen=returned[2],
    )


def samples(rows: Rows) -> tuple[Sample, ...]:
    """A few rows of each reason; those refused late are looked up in the file again."""
    found = [
        Sample(row_no, reason, detail, tuple(json.loads(cells)))
        for row_no, reason, detail, cells in fetch(
            """SELECT row_no, reason, detail, cells::text FROM (
                SELECT *, row_number() OVER (PARTITION BY reason ORDER BY row_no) AS nth FROM stage_reject) r
            WHERE nth <= %s ORDER BY row_no""",
            [SAMPLES_PER_REASON],
        )
    ]
    wanted = {row[0]: row[1:] for row in _few_late_rejects()}
    if wanted:
        last = max(wanted)
        for row_no, row in rows:
            if row_no in wanted and not isinstance(row, BrokenRow):
                reason, detail = wanted[row_no]
                found.append(Sample(row_no, reason, detail, tuple(row)))
            if row_no >= last:
                break
    return tuple(sorted(found, key=lambda sample: (sample.reason, sample.row_no)))


def _few_late_rejects() -> list[tuple[int, str, str]]:
    return fetch(
        """SELECT row_no, reason, detail FROM (
            SELECT late.*, row_number() OVER (PARTITION BY reason ORDER BY row_no) AS nth FROM (
                SELECT l.row_no, r.reason, r.detail FROM stage_receipt r JOIN stage_line l USING (receipt)
                WHERE r.status = 'rejected'
                UNION ALL SELECT row_no, reason, '' FROM stage_unusable) late) counted
        WHERE nth <= %s""",
        [SAMPLES_PER_REASON],
    )
