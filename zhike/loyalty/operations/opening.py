"""Balances of another system, brought in with their lots when a mall moves."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.loyalty.events import PointsAdjusted
from zhike.loyalty.models import Transfer
from zhike.loyalty.operations.spending import ADJUSTMENT_MAX
from zhike.loyalty.operations.state import locked_holder, post, posting_for
from zhike.loyalty.queries.snapshots import ADJUSTED
from zhike.loyalty.rules.accounts import credit

OPENING = "opening"


@dataclass(frozen=True, slots=True)
class OpeningBalance:
    """Points of one member that lapse on one day; None: as if they were earned today."""

    row_no: int
    member_id: int
    points: int
    expires_on: dt.date | None = None


@dataclass(slots=True)
class OpeningReport:
    """What became of each row: brought in, in already, or refused with a reason (row number, code)."""

    brought: int = 0
    points: int = 0
    already: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def bring_in_balances(
    *, actor: Viewer, balances: Sequence[OpeningBalance], batch: str, now: dt.datetime, dry_run: bool = False
) -> OpeningReport:
    """Give each member the points they had elsewhere, one lot per day of expiry.

    ``batch`` names the move: under one name a member gets points of one day once, so the same file again, or a longer one,
    adds only what is missing. Each member is a transaction. Refused rows ("out_of_range", "expired") stop nobody.
    With ``dry_run`` the same counts, and nothing written. Raises NotAllowed.
    """
    require_touch(actor, "imports.run")
    report = OpeningReport()
    by_member: dict[int, list[OpeningBalance]] = defaultdict(list)
    for balance in balances:
        by_member[balance.member_id].append(balance)
    for member_id, mine in sorted(by_member.items()):
        with transaction.atomic():
            _bring_in(actor, member_id, mine, batch, now, report)
            if dry_run:
                transaction.set_rollback(True)
    if report.brought and not dry_run:
        after = {"batch": batch, "rows": report.brought, "points": report.points}
        audit.record(actor=actor, action="balances.import", subject=("ledger", batch), after=after, now=now)
    return report


def _bring_in(
    actor: Viewer,
    member_id: int,
    balances: Sequence[OpeningBalance],
    batch: str,
    now: dt.datetime,
    report: OpeningReport,
) -> None:
    holder = locked_holder(member_id)
    programme, posting = holder.programme, posting_for(holder)
    today = programme.today(now)
    prefix = f"{OPENING}:{batch}:{member_id}:"
    references = [f"{prefix}{balance.expires_on or 'default'}" for balance in balances]
    known = set(
        Transfer.objects.filter(reference__in=references, reason=OPENING).values_list("reference", flat=True)
    )
    given = 0
    for balance, reference in zip(balances, references, strict=True):
        if reference in known:
            report.already += 1
        elif not 0 < balance.points <= ADJUSTMENT_MAX:
            report.refused.append((balance.row_no, "out_of_range"))
        elif balance.expires_on is not None and balance.expires_on < today:
            report.refused.append((balance.row_no, "expired"))
        else:
            known.add(reference)
            expiry = balance.expires_on or programme.expiry_policy.last_day(today)
            posting.add(
                credit(holder.state, balance.points, expiry, programme.funding_id),
                against=ADJUSTED,
                reason=OPENING,
                reference=reference,
                actor=actor,
                occurred_at=now,
                now=now,
                explanation={"batch": batch, "row": balance.row_no},
            )
            report.brought += 1
            given += balance.points
    if given:
        post(posting)
        report.points += given
        fact = PointsAdjusted(member_id, holder.person_id, given, f"{OPENING}: {batch}")
        events.publish(fact, actor=actor, now=now)
