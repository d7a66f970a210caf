"""A run, step by step: read and plan; set aside; create what is missing; record; account for every row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from typing import Any

from django.db import transaction

from zhike.intake.files import BrokenRow
from zhike.intake.models import ImportRun
from zhike.intake.operations import _matching, _planning, _recording
from zhike.intake.operations._account import reconcile, samples
from zhike.intake.operations._staging import Progress, Rows, execute, fetch, stage_rows
from zhike.intake.rules.cleaning import LineCleaner
from zhike.intake.rules.mapping import Mapping
from zhike.intake.rules.reconciliation import Reconciliation
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.garbage import paused_collection
from zhike.organization import queries as organization

OpenRows = Callable[[], AbstractContextManager[tuple[list[str], Rows]]]
"""Opens the rows from their beginning, as often as it is called."""

_MADE = (
    "points", "returns_matched", "returns_unmatched", "members_created", "products_created", "merchants_created",
)  # fmt: skip


class Merchants(dict[str, int]):
    """Codes to ids. Where merchants may be created, an unknown code gets a provisional negative number."""

    def __init__(self, known: dict[str, int], *, create: bool) -> None:
        super().__init__(known)
        self.missing: list[str] = []
        self._create = create

    def get(self, code: str, default: Any = None) -> Any:
        if code not in self and self._create:
            self.missing.append(code)
            self[code] = -len(self.missing)
        return super().get(code, default)


class Work:
    """`actor` may run imports here; receipts, members and products are written in its name by the program itself."""

    def __init__(
        self,
        *,
        actor: Viewer,
        run: ImportRun,
        mapping: Mapping,
        rows: OpenRows,
        now: dt.datetime,
        progress: Progress,
        supplement: bool = False,
    ) -> None:
        self.actor, self.run, self.mapping, self.rows, self.now = actor, run, mapping, rows, now
        self.progress, self.supplement = progress, supplement
        self.agent = system_viewer(f"import/{actor.audit_id}"[:70], request_id=actor.request_id)
        self.mall = organization.mall(run.mall_id)
        known = {merchant.code: merchant.id for merchant in organization.merchants(self.agent, run.mall_id)}
        self.merchants = Merchants(known, create=mapping.cleaning.unknown_merchants == "create")
        before = (run.counts or {}) if run.state != ImportRun.State.DONE else {}
        self.made: dict[str, int] = {name: int(before.get(name, 0)) for name in _MADE}
        self.refused: list[tuple[int, str]] = []
        self.already = 0

    # --- reading and planning: nothing is written but temporary tables ---------------------------------------------

    def plan(self) -> Reconciliation:
        """Raises FileRefused, MappingInvalid."""
        with self.rows() as (columns, rows), paused_collection():
            cleaner = LineCleaner(
                self.mapping, columns, merchants=self.merchants, zone=self.mall.time_zone, now=self.now
            )
            lines = stage_rows(rows, cleaner, self.progress, int(self.run.file_facts.get("lines", 0)))
        self.progress("planning", 0, lines)
        unknown = _planning.plan(self.run.pk, self.mapping, supplement=self.supplement)
        _matching.match(self.mapping)
        account = reconcile(lines)
        if self.mapping.members.unknown == "create":
            account = replace(account, members_created=unknown)
        else:
            account = replace(account, members_unknown=unknown)
        if self.mapping.cleaning.unknown_products == "create":
            account = replace(account, products_created=_recording.missing_products())
        return replace(account, merchants_created=len(self.merchants.missing))

    def with_samples(self, account: Reconciliation) -> Reconciliation:
        with self.rows() as (_, rows):
            return replace(account, samples=samples(rows))

    # --- the rest writes -------------------------------------------------------------------------------------------

    def set_aside(self) -> None:
        """Put every row that cannot be used into quarantine, with its cells. Done again, it changes nothing."""
        late = {
            row_no: (number, reason, detail) for row_no, number, reason, detail in _planning.late_rejects()
        }
        if late:
            with self.rows() as (_, rows):
                self._stage_late(late, rows)
        with transaction.atomic():
            execute("DELETE FROM intake_quarantinedrow WHERE run_id = %s AND status = 'open'", [self.run.pk])
            execute(
                """INSERT INTO intake_quarantinedrow
                    (run_id, row_no, receipt_number, cells, corrected, reason, detail, status, settled_by)
                SELECT %s, row_no, left(number, 60), cells, false, reason, left(detail, 300), 'open', ''
                FROM stage_reject ORDER BY row_no ON CONFLICT (run_id, row_no) DO NOTHING""",
                [self.run.pk],
            )

    def _stage_late(self, late: dict[int, tuple[str, str, str]], rows: Rows) -> None:
        found = (
            (row_no, row, *late[row_no])
            for row_no, row in rows
            if row_no in late and not isinstance(row, BrokenRow)
        )
        for batch in _planning.batched(found, _planning.BATCH):
            _planning.add_rejects(batch)

    def create_missing(self) -> None:
        """Merchants, members and articles that the file names and nobody knows."""
        if self.merchants.missing:
            created = _recording.create_merchants(self.actor, self.mall.id, self.merchants.missing, self.now)
            self._keep(merchants_created=created)
        if self.mapping.members.unknown == "create":
            for count in _recording.create_members(self.agent, self.mall.id, "import", self.now):
                self._keep(members_created=count)
                self.progress("members", self.made["members_created"], self.made["members_created"])
        created = _recording.create_products(self.agent, self.mall.group_id, self.mapping, self.now)
        self._keep(products_created=created)

    def record(self) -> None:
        """Take all receipts, a chunk per transaction; what a chunk came to is kept in the same transaction."""
        total = int(
            fetch("SELECT coalesce(sum(lines), 0)::bigint FROM stage_receipt WHERE status = 'new'")[0][0]
        )
        done = 0
        with closing(_recording.planned_chunks(self.run.pk, self.mall.id)) as chunks:
            for built in chunks:
                chunk = self._record_chunk(built)
                self.refused += chunk.refused
                self.already += chunk.rows - chunk.taken - len(chunk.refused)
                done += chunk.rows
                self.progress("recording", done, total)

    def _record_chunk(self, built: list[_recording.Built]) -> _recording.Recorded:
        with transaction.atomic(), paused_collection():
            chunk = _recording.record_chunk(self.agent, built, self.now)
            self._keep(points=chunk.points, returns_matched=chunk.matched, returns_unmatched=chunk.unmatched)
        return chunk

    def account(self, planned: Reconciliation) -> Reconciliation:
        """The final account: as planned, but for rows that somebody else recorded meanwhile or that were refused."""
        made: dict[str, Any] = dict(self.made)
        quarantined = dict(planned.quarantined)
        for _, reason in self.refused:
            quarantined[reason] = quarantined.get(reason, 0) + 1
        return replace(
            planned,
            accepted=planned.accepted - self.already - len(self.refused),
            already=planned.already + self.already,
            quarantined=quarantined,
            **made,
        )

    def set_aside_refused(self) -> None:
        """Rows that the ledger refused although the plan saw no reason."""
        if not self.refused:
            return
        execute("TRUNCATE stage_reject")
        with self.rows() as (_, rows):
            self._stage_late({row_no: ("", reason, "") for row_no, reason in self.refused}, rows)
        execute(
            """INSERT INTO intake_quarantinedrow
                (run_id, row_no, receipt_number, cells, corrected, reason, detail, status, settled_by)
            SELECT %s, row_no, '', cells, false, reason, '', 'open', '' FROM stage_reject
            ON CONFLICT (run_id, row_no) DO NOTHING""",
            [self.run.pk],
        )

    def _keep(self, **made: int) -> None:
        for name, count in made.items():
            self.made[name] += count
        ImportRun.objects.filter(pk=self.run.pk).update(counts=dict(self.made))


def drop_tables() -> None:
    """Give the space of the temporary tables back."""
    execute(
        "DROP TABLE IF EXISTS stage_line, stage_head, stage_product, stage_reject, stage_dropped, stage_receipt,"
        " stage_known, stage_member, stage_returned, stage_open, stage_match, stage_unusable, stage_article"
    )
