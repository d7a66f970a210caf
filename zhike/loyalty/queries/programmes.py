"""The programme, its rules with their versions, and what a draft would have done."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid
from zhike.loyalty.models import EarningRule, EarningRuleVersion, Program
from zhike.loyalty.queries.snapshots import Programme, read_programme
from zhike.loyalty.rules.accounts import AccountState
from zhike.loyalty.rules.definition import Definition, DefinitionError, Rule, parse_definition
from zhike.loyalty.rules.earning import EarnLine, EarnReceipt, decide
from zhike.organization import queries as organization

PREVIEW_RECEIPTS_MAX = 50_000


class InvalidRule(Invalid):
    code = "invalid-rule"
    title = _("The rule cannot be used: %(path)s is wrong (%(reason)s).")


def checked_definition(definition: Mapping[str, Any]) -> Definition:
    """The definition, parsed. Raises InvalidRule naming what is wrong."""
    try:
        return parse_definition(definition)
    except DefinitionError as error:
        raise InvalidRule(path=error.path, reason=error.reason) from None


@dataclass(frozen=True, slots=True)
class RuleVersionView:
    version_id: int
    version: int
    definition: dict[str, Any]
    effective_from: dt.datetime
    effective_to: dt.datetime | None
    published_at: dt.datetime
    published_by: str
    note: str


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule with its versions, newest first; ``current`` is in force now, ``planned`` comes next."""

    rule_id: int
    code: str
    name: str
    current: RuleVersionView | None
    planned: RuleVersionView | None
    versions: tuple[RuleVersionView, ...]


def programs(viewer: Viewer) -> list[Programme]:
    require(viewer, "programme.view")
    return [read_programme(pk) for pk in Program.objects.order_by("id").values_list("id", flat=True)]


def program(viewer: Viewer, program_id: int) -> Programme:
    require(viewer, "programme.view")
    return read_programme(program_id)


def default_program_id() -> int | None:
    return Program.objects.order_by("id").values_list("id", flat=True).first()


def program_name(program_id: int) -> str:
    return Program.objects.values_list("name", flat=True).get(id=program_id)


def rules(viewer: Viewer, program_id: int, at: dt.datetime) -> list[RuleView]:
    """Every rule of a programme with its versions as of ``at``."""
    require(viewer, "programme.view")
    ends = {rule.version_id: rule.effective_to for rule in read_programme(program_id).rules}
    versions: dict[int, list[RuleVersionView]] = defaultdict(list)
    for row in EarningRuleVersion.objects.filter(rule__program_id=program_id).order_by("-version"):
        versions[row.rule_id].append(
            RuleVersionView(
                row.pk,
                row.version,
                row.definition,
                row.effective_from,
                ends.get(row.pk),
                row.published_at,
                row.published_by,
                row.note,
            )
        )
    views = []
    for rule in EarningRule.objects.filter(program_id=program_id).order_by("id"):
        mine = versions[rule.pk]
        current = next(
            (v for v in mine if v.effective_from <= at and (not v.effective_to or at < v.effective_to)), None
        )
        planned = next((v for v in reversed(mine) if v.effective_from > at), None)
        views.append(RuleView(rule.pk, rule.code, rule.name, current, planned, tuple(mine)))
    return views


@dataclass(slots=True)
class PreviewRow:
    """Points now and under the draft for one key (a tier, a merchant, a day)."""

    key: str
    receipts: int = 0
    points_now: int = 0
    points_draft: int = 0


@dataclass(slots=True)
class Preview:
    """What a draft would have done to the receipts of the last days; ``sampled`` when only the newest were replayed."""

    days: int
    receipts: int = 0
    points_now: int = 0
    points_draft: int = 0
    members_up: int = 0
    members_down: int = 0
    sampled: bool = False
    by_tier: list[PreviewRow] = field(default_factory=list)
    by_merchant: list[PreviewRow] = field(default_factory=list)
    by_day: list[PreviewRow] = field(default_factory=list)


def preview_rule(
    viewer: Viewer, *, program_id: int, code: str, definition: Mapping[str, Any], days: int, now: dt.datetime
) -> Preview:
    """Replay the members' receipts of the last ``days`` with the draft in place of the rule ``code``.

    The other rules, each receipt's tier and the caps' counting are as they were. Raises InvalidRule, NotAllowed.
    """
    require(viewer, "programme.view")
    parsed = checked_definition(definition)
    programme = read_programme(program_id)
    since = now - dt.timedelta(days=days)
    drafted = Rule(-1, -1, 0, code, code, since - dt.timedelta(days=400), None, parsed)
    others = [rule for rule in programme.rules if rule.code != code]
    return _replay(programme, [*others, drafted], since, days)


def _replay(programme: Programme, draft: list[Rule], since: dt.datetime, days: int) -> Preview:
    preview = Preview(days)
    tables: dict[str, dict[str, PreviewRow]] = {"tier": {}, "merchant": {}, "day": {}}
    names = {step.tier_id: step.name for step in programme.ladder}
    states: dict[int, AccountState] = {}
    change: dict[int, int] = defaultdict(int)
    for account_id, tier_id, points_now, receipt in _receipts_since(programme.id, since):
        preview.receipts += 1
        state = states.setdefault(account_id, AccountState(account_id, 0, 0, 0, 0, tier_id))
        state.tier_id = tier_id
        decision = decide(state, receipt, draft, programme.rounding)
        for rule_id, cap, period, points in decision.caps:
            state.caps[rule_id, cap, period] = state.caps.get((rule_id, cap, period), 0) + points
        change[account_id] += decision.points - points_now
        merchant = organization.merchant_ref(receipt.merchant_id)
        keys = {
            "tier": names.get(tier_id, ""),
            "merchant": merchant.name if merchant else "",
            "day": receipt.day.isoformat(),
        }
        for table, key in keys.items():
            row = tables[table].setdefault(key, PreviewRow(key))
            row.receipts += 1
            row.points_now += points_now
            row.points_draft += decision.points
        preview.points_now += points_now
        preview.points_draft += decision.points
    preview.sampled = preview.receipts >= PREVIEW_RECEIPTS_MAX
    preview.members_up = sum(1 for points in change.values() if points > 0)
    preview.members_down = sum(1 for points in change.values() if points < 0)
    order = {name: index for index, name in enumerate(names.values())}
    preview.by_tier = sorted(tables["tier"].values(), key=lambda row: order.get(row.key, 0))
    preview.by_merchant = sorted(
        tables["merchant"].values(), key=lambda row: -abs(row.points_draft - row.points_now)
    )[:20]
    preview.by_day = sorted(tables["day"].values(), key=lambda row: row.key)
    return preview


def _receipts_since(program_id: int, since: dt.datetime) -> Iterator[tuple[int, int, int, EarnReceipt]]:
    """(account, tier then, points given, receipt) of the newest members' receipts, in the order they happened."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT * FROM (
                SELECT w.account_id, w.tier_id, w.points, r.merchant_id, r.occurred_at, r.business_date,
                    (SELECT json_agg(json_build_array(l.line_no, l.net_fen, l.category_id) ORDER BY l.line_no)
                     FROM sales_receiptline l WHERE l.receipt_id = r.id),
                    (SELECT json_agg(json_build_array(t.kind, t.amount_fen))
                     FROM sales_tender t WHERE t.receipt_id = r.id)
                FROM loyalty_award w JOIN sales_receipt r ON r.id = w.receipt_id
                JOIN loyalty_account a ON a.id = w.account_id
                WHERE a.program_id = %s AND r.occurred_at >= %s ORDER BY r.occurred_at DESC LIMIT %s) newest
            ORDER BY occurred_at""",
            [program_id, since, PREVIEW_RECEIPTS_MAX],
        )
        rows = cursor.fetchall()
    for account_id, tier_id, points, merchant_id, occurred_at, day, lines, tenders in rows:
        merchant = organization.merchant_ref(merchant_id)
        if merchant is None:
            continue
        receipt = EarnReceipt(
            mall_id=merchant.mall_id,
            merchant_id=merchant_id,
            trade_category_id=merchant.trade_category_id,
            occurred_at=occurred_at,
            local=occurred_at.astimezone(_zone(merchant.time_zone)),
            day=day,
            lines=tuple(EarnLine(*line) for line in lines or ()),
            tenders=tuple((kind, fen) for kind, fen in tenders or ()),
        )
        yield account_id, tier_id, points, receipt


def _zone(name: str) -> dt.tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def current_rules(program_id: int, at: dt.datetime) -> list[Rule]:
    """The rules in force at a moment."""
    return [replace(rule) for rule in read_programme(program_id).rules if rule.in_force(at)]
