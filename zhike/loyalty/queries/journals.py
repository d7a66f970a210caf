"""A month's postings for points, from the movements and the valuation in force."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.loyalty.models import ProvisionPolicy
from zhike.loyalty.queries.liability import PERMISSION, Liability, MonthFlows, liability, next_month
from zhike.loyalty.rules import provisions
from zhike.loyalty.rules.funding import is_own

PERMISSION_EDIT = "finance.edit"


@dataclass(frozen=True, slots=True)
class PolicyView:
    version: int
    effective_on: dt.date
    value_points: int
    value_fen: int
    redemption_bp: int
    accounts: dict[str, str]
    note: str
    published_at: dt.datetime
    published_by: str

    @property
    def redemption_share(self) -> float:
        return self.redemption_bp / provisions.BP

    @property
    def rules(self) -> provisions.Policy:
        return provisions.Policy(
            self.version, self.value_points, self.value_fen, self.redemption_bp, self.accounts
        )


@dataclass(frozen=True, slots=True)
class Journal:
    """``opening_fen`` and ``closing_fen`` are what stands on the provision account before and after ``postings``."""

    month: dt.date
    is_open: bool
    policy: PolicyView
    postings: tuple[provisions.Posting, ...]
    opening_fen: int
    closing_fen: int

    @property
    def last_day(self) -> dt.date:
        return next_month(self.month) - dt.timedelta(days=1)

    @property
    def debit_fen(self) -> int:
        return sum(posting.debit_fen for posting in self.postings)

    @property
    def credit_fen(self) -> int:
        return sum(posting.credit_fen for posting in self.postings)


def provision_policies(viewer: Viewer, program_id: int) -> list[PolicyView]:
    """Every version, newest first. Raises NotAllowed."""
    require_touch(viewer, PERMISSION)
    names = list(PolicyView.__dataclass_fields__)
    rows = ProvisionPolicy.objects.filter(program_id=program_id).order_by("-version")
    return [PolicyView(*(getattr(row, name) for name in names)) for row in rows]


def policy_in_force(policies: list[PolicyView], month: dt.date) -> PolicyView | None:
    """The newest version that has begun by the first of ``month``; before the first one, that one."""
    begun = [policy for policy in policies if policy.effective_on <= month]
    return begun[0] if begun else (policies[-1] if policies else None)


def journal(viewer: Viewer, program_id: int, month: dt.date, now: dt.datetime) -> Journal:
    """The postings of one month. Raises NotFound before there is a valuation or any movement; NotAllowed."""
    return journal_of(liability(viewer, program_id, now), provision_policies(viewer, program_id), month)


def journal_of(found: Liability, policies: list[PolicyView], month: dt.date) -> Journal:
    month = month.replace(day=1)
    closing = policy_in_force(policies, month)
    opening = policy_in_force(policies, (month - dt.timedelta(days=1)).replace(day=1))
    if closing is None or opening is None or month not in {one.month for one in found.months}:
        raise NotFound
    lines: list[provisions.Posting] = []
    totals = [0, 0]
    for liable in found.payers:
        flows = next(
            (one for one in found.by_payer.get(liable.payer.funding_id, ()) if one.month == month), None
        )
        if flows is None:
            continue
        code, part = liable.payer.code, _part(flows)
        lines += provisions.postings(code, is_own(code), part, opening.rules, closing.rules)
        totals[0] += opening.rules.fen(part.opening, expected=True)
        totals[1] += closing.rules.fen(part.closing, expected=True)
    return Journal(month, month == found.months[-1].month, closing, tuple(lines), *totals)


def _part(flows: MonthFlows) -> provisions.Flows:
    return provisions.Flows(
        opening=flows.opening,
        earned=flows.earned,
        spent=-flows.spent,
        expired=-flows.expired,
        adjusted=flows.adjusted + flows.imported,
        closing=flows.closing,
    )
