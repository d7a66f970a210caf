"""Programme, tier ladder and earning rules: changed in the open, in versions, with effective dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django.db import connection, transaction
from django.db.models import Max, ProtectedError, Q
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.ids import stamp
from zhike.loyalty.events import RuleVersionPublished
from zhike.loyalty.models import (
    Account,
    EarningRule,
    EarningRuleVersion,
    Funding,
    Member,
    Program,
    ReturnWindow,
    Tier,
)
from zhike.loyalty.operations.payers import enter_named_payers
from zhike.loyalty.operations.tier_policy import follow_change, require_no_pending
from zhike.loyalty.queries.programmes import checked_definition
from zhike.loyalty.queries.snapshots import SYSTEM_ACCOUNTS, system_account
from zhike.loyalty.queries.tier_policy import policy_now
from zhike.loyalty.rules.calendar import GRACE_DAYS_MAX, MONTHS_MAX, is_month_day
from zhike.loyalty.rules.standing import GRACE_DAYS_MAX as TIER_GRACE_DAYS_MAX
from zhike.loyalty.rules.standing import VISITS_MAX
from zhike.organization import queries as organization

WINDOW_DAYS_MAX = 366
HOLD_MINUTES_MAX = 7 * 24 * 60
WAIVER_LIMIT_MAX = 10_000_000

COLOURS = ("slate", "silver", "gold", "platinum", "diamond", "rose", "emerald", "sky", "violet", "amber")
PROGRAM_SETTINGS = (
    "name", "rounding", "expiry", "expiry_months", "expiry_month_day", "expiry_grace_days", "return_window_days",
    "hold_minutes", "waiver_limit", "rate_notice_days", "adjustment_limit", "adjustment_day_limit",
    "time_zone", "shortfall", "redeem_points", "redeem_fen", "redeem_step",
    "redeem_minimum", "redeem_maximum", "tier_window", "tier_reverses_on_refund", "tier_period", "tier_grace_days",
    "tier_fall", "claim_window_days", "photo_claims_day", "photo_claim_second_fen",
)  # fmt: skip


_TIER_AUDITED = (
    "name", "rank", "threshold_fen", "keep_fen", "keep_visits", "threshold_count", "keep_count",
)  # fmt: skip


class RuleInThePast(Invalid):
    code = "rule-in-the-past"
    title = _("A rule version can take effect now or later, not in the past.")


class RateCutNeedsNotice(Conflict):
    code = "rate-cut-needs-notice"
    title = _(
        "This makes points worth less. Publish it as redemption rates: members are told %(days)s days before."
    )


class InvalidTier(Invalid):
    code = "invalid-tier"
    title = _("Thresholds must grow with the rank and the lowest tier must start at zero.")


class TierKeptWithMore(Invalid):
    code = "tier-kept-with-more"
    title = _("Keeping a tier cannot take more than reaching it.")


class TierInUse(Conflict):
    code = "tier-in-use"
    title = _("%(members)s members hold this tier; move them before you remove it.")


class InvalidProgramme(Invalid):
    code = "invalid-programme"
    title = _("These programme settings do not fit together.")


@transaction.atomic
def create_program(
    *, actor: Viewer, group_id: int, code: str, name: str, now: dt.datetime, **settings: Any
) -> int:
    """Create a programme with its system accounts and default funding; an existing code is returned as it is."""
    require_touch(actor, "programme.edit")
    if known := Program.objects.filter(code=code).first():
        return known.pk
    funding, _created = Funding.objects.get_or_create(code="mall", defaults={"split": {"mall": 10_000}})
    program = Program(group_id=group_id, code=code, name=name, funding=funding, created_at=now, **settings)
    _check_program(program)
    program.save()
    Account.objects.bulk_create(
        Account(id=system_account(program.pk, which), program=program, code=account)
        for which, account in SYSTEM_ACCOUNTS.items()
    )
    audit.record(
        actor=actor, action="program.create", subject=("program", program.pk), after={"code": code}, now=now
    )
    return program.pk


@transaction.atomic
def update_program(*, actor: Viewer, program_id: int, changes: Mapping[str, Any], now: dt.datetime) -> None:
    """Change programme settings (PROGRAM_SETTINGS); takes effect with the next receipt.

    Raises InvalidProgramme; RateCutNeedsNotice, TierChangeNeedsNotice where members would be worse off."""
    require_touch(actor, "programme.edit")
    program = _locked_program(program_id)
    unknown = set(changes) - set(PROGRAM_SETTINGS)
    if unknown:
        raise InvalidProgramme(fields={name: [_("This setting is not known.")] for name in unknown})
    before = {name: getattr(program, name) for name in changes}
    promised = policy_now(program_id)
    worth = program.redeem_fen, program.redeem_points
    for name, value in changes.items():
        setattr(program, name, value)
    _check_program(program)
    if program.redeem_fen * worth[1] < worth[0] * program.redeem_points:
        _require_no_holders(program)
    program.stamp = stamp()
    program.save()
    follow_change(actor, program, promised, now)
    audit.record(
        actor=actor,
        action="program.update",
        subject=("program", program_id),
        before=before,
        after=dict(changes),
        now=now,
    )


def _require_no_holders(program: Program) -> None:
    """Points that somebody holds are made worth less by a version of the redemption rates only, and after a notice."""
    if program.rate_notice_days and Account.objects.filter(program_id=program.pk, balance__gt=0).exists():
        raise RateCutNeedsNotice(days=program.rate_notice_days)


def _check_program(program: Program) -> None:
    wrong = {
        "rounding": program.rounding not in Program.Rounding.values,
        "expiry": program.expiry not in Program.Expiry.values,
        "shortfall": program.shortfall not in Program.Shortfall.values,
        "tier_window": program.tier_window not in Program.TierWindow.values,
        "tier_period": program.tier_period not in Program.TierPeriod.values,
        "tier_fall": program.tier_fall not in Program.TierFall.values,
        "tier_grace_days": not 0 <= program.tier_grace_days <= TIER_GRACE_DAYS_MAX,
        "expiry_months": not 1 <= program.expiry_months <= MONTHS_MAX,
        "expiry_month_day": not is_month_day(program.expiry_month_day),
        "expiry_grace_days": not 0 <= program.expiry_grace_days <= GRACE_DAYS_MAX,
        "return_window_days": not 0 <= program.return_window_days <= WINDOW_DAYS_MAX,
        "hold_minutes": not 1 <= program.hold_minutes <= HOLD_MINUTES_MAX,
        "time_zone": program.time_zone not in available_timezones(),
        "redeem_points": not 1 <= program.redeem_points <= 1_000_000,
        "redeem_fen": not 1 <= program.redeem_fen <= 100_000_000,
        "redeem_step": not 1 <= program.redeem_step <= 1_000_000,
        "redeem_minimum": not 1 <= program.redeem_minimum <= program.redeem_maximum,
        "redeem_maximum": program.redeem_maximum > 100_000_000,
        "waiver_limit": not 0 <= program.waiver_limit <= WAIVER_LIMIT_MAX,
        "rate_notice_days": not 0 <= program.rate_notice_days <= 365,
        "adjustment_limit": not 0 <= program.adjustment_limit <= 10_000_000,
        "adjustment_day_limit": not 0 <= program.adjustment_day_limit <= 100_000_000,
        "claim_window_days": not 0 <= program.claim_window_days <= 365,
        "photo_claims_day": not 0 <= program.photo_claims_day <= 100,
        "photo_claim_second_fen": not 0 <= program.photo_claim_second_fen <= 100_000_000,
    }
    if fields := {name: [_("This value cannot be used.")] for name, is_wrong in wrong.items() if is_wrong}:
        raise InvalidProgramme(fields=fields)


@transaction.atomic
def set_return_windows(
    *, actor: Viewer, program_id: int, windows: Mapping[int, int | None], now: dt.datetime
) -> None:
    """How many days points of purchases in some trade categories wait; None: as long as the programme's others.

    Takes effect with the next receipt. Raises InvalidProgramme, NotFound.
    """
    require_touch(actor, "programme.edit")
    program = _locked_program(program_id)
    if not set(windows) <= {place.id for place in organization.trade_categories(program.group_id)}:
        raise NotFound
    if not all(days is None or 0 <= days <= WINDOW_DAYS_MAX for days in windows.values()):
        raise InvalidProgramme(fields={"days": [_("This value cannot be used.")]})
    rows = ReturnWindow.objects.filter(program_id=program_id, trade_category_id__in=windows)
    before = dict(rows.values_list("trade_category_id", "days"))
    after = {category_id: days for category_id, days in windows.items() if days is not None}
    if before == after:
        return
    rows.delete()
    ReturnWindow.objects.bulk_create(
        ReturnWindow(program_id=program_id, trade_category_id=category_id, days=days)
        for category_id, days in after.items()
    )
    _touch(program_id)
    audit.record(
        actor=actor,
        action="program.return_windows",
        subject=("program", program_id),
        before={str(category_id): days for category_id, days in before.items()},
        after={str(category_id): days for category_id, days in after.items()},
        now=now,
    )


def _locked_program(program_id: int) -> Program:
    program = Program.objects.select_for_update(of=("self",)).filter(id=program_id).first()
    if program is None:
        raise NotFound
    return program


def _touch(program_id: int) -> None:
    Program.objects.filter(id=program_id).update(stamp=stamp())


@transaction.atomic
def save_tier(
    *,
    actor: Viewer,
    program_id: int,
    code: str,
    name: str,
    rank: int,
    threshold_fen: int,
    colour: str,
    benefits: str = "",
    keep_fen: int | None = None,
    keep_visits: int | None = None,
    threshold_count: int | None = None,
    keep_count: int | None = None,
    now: dt.datetime,
) -> int:
    """Create or change the tier with this code; its id. Members move at the next review or receipt.

    A ladder on spend goes by ``threshold_fen`` and ``keep_fen``, another one by ``threshold_count`` (None: as it was) and
    ``keep_count``. What keeps it at the end of its period (None: as much as reaches it), or purchases on ``keep_visits`` days
    (None: days do not count). Raises InvalidTier, TierKeptWithMore, TierChangeNeedsNotice where members would be worse off,
    TierPolicyPending.
    """
    require_touch(actor, "programme.edit")
    program, promised = _locked_program(program_id), policy_now(program_id)
    tier = Tier.objects.filter(program_id=program_id, code=code).first()
    if tier is None:
        require_no_pending(program_id)
    before = {name: getattr(tier, name) for name in _TIER_AUDITED} if tier else None
    tier = tier or Tier(program_id=program_id, code=code)
    tier.name, tier.rank, tier.threshold_fen = name, rank, threshold_fen
    tier.colour, tier.benefits = (colour if colour in COLOURS else COLOURS[0]), benefits
    tier.keep_fen, tier.keep_visits = keep_fen, keep_visits
    if threshold_count is not None:
        tier.threshold_count, tier.keep_count = threshold_count, keep_count
    _check_ladder(program, tier)
    tier.save()
    _touch(program_id)
    follow_change(actor, program, promised, now)
    after = {name: getattr(tier, name) for name in _TIER_AUDITED}
    audit.record(
        actor=actor, action="tier.save", subject=("tier", tier.pk), before=before, after=after, now=now
    )
    return tier.pk


def _check_ladder(program: Program, tier: Tier) -> None:
    others = Tier.objects.filter(program=program).exclude(code=tier.code)
    column = "threshold_fen" if program.tier_basis == "spend" else "threshold_count"
    steps = sorted((one.rank, getattr(one, column)) for one in [*others, tier])
    ranks = [rank for rank, _ in steps]
    thresholds = [threshold for _, threshold in steps]
    if (
        len(set(ranks)) != len(ranks)
        or thresholds[0] != 0
        or sorted(set(thresholds)) != thresholds
        or not tier.name.strip()
    ):
        raise InvalidTier
    if tier.keep_fen is not None and not 0 <= tier.keep_fen <= tier.threshold_fen:
        raise TierKeptWithMore(fields={"keep_fen": [_("Not more than reaching it takes.")]})
    if tier.keep_count is not None and not 0 <= tier.keep_count <= tier.threshold_count:
        raise TierKeptWithMore(fields={"keep_count": [_("Not more than reaching it takes.")]})
    if tier.keep_visits is not None and not 1 <= tier.keep_visits <= VISITS_MAX:
        raise TierKeptWithMore(fields={"keep_visits": [_("Between 1 and 366 days.")]})


@transaction.atomic
def remove_tier(*, actor: Viewer, tier_id: int, now: dt.datetime) -> None:
    """Remove a tier nobody holds. Raises TierInUse, InvalidTier for the lowest one, TierPolicyPending."""
    require_touch(actor, "programme.edit")
    tier = Tier.objects.filter(id=tier_id).first()
    if tier is None:
        raise NotFound
    _locked_program(tier.program_id)
    require_no_pending(tier.program_id)
    if members := Member.objects.filter(Q(tier_id=tier_id) | Q(earned_tier_id=tier_id)).count():
        raise TierInUse(members=members)
    if not Tier.objects.filter(program_id=tier.program_id, rank__lt=tier.rank).exists():
        raise InvalidTier
    if _tier_is_history(tier_id):
        raise TierInUse(members=0)
    try:
        tier.delete()
    except ProtectedError as error:  # something above lends it
        raise TierInUse(members=0) from error
    _touch(tier.program_id)
    audit.record(
        actor=actor, action="tier.remove", subject=("tier", tier_id), before={"name": tier.name}, now=now
    )


def _tier_is_history(tier_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXISTS (SELECT FROM loyalty_tierchange WHERE %(tier)s IN (before_id, after_id, earned_id))
                OR EXISTS (SELECT FROM loyalty_award WHERE tier_id = %(tier)s)
                OR EXISTS (SELECT FROM loyalty_tiergrant WHERE tier_id = %(tier)s)""",
            {"tier": tier_id},
        )
        return bool(cursor.fetchone()[0])


@transaction.atomic
def publish_rule_version(
    *,
    actor: Viewer,
    program_id: int,
    code: str,
    name: str,
    definition: Mapping[str, Any],
    effective_from: dt.datetime,
    now: dt.datetime,
    note: str = "",
    backdated: bool = False,
) -> int:
    """Publish the next version of a rule, in force from ``effective_from``; earlier receipts keep the earlier version.

    ``backdated`` is for setting up a programme whose history is loaded afterwards (only the system may).
    Raises InvalidRule, RuleInThePast, NotAllowed. Returns the version's id.
    """
    require_touch(actor, "programme.edit")
    checked = checked_definition(definition)
    if effective_from < now - dt.timedelta(minutes=1) and not (backdated and actor.kind == "system"):
        raise RuleInThePast
    _locked_program(program_id)
    rule, _created = EarningRule.objects.get_or_create(
        program_id=program_id, code=code, defaults={"name": name}
    )
    if rule.name != name:
        rule.name = name
        rule.save(update_fields=["name"])
    latest = EarningRuleVersion.objects.filter(rule=rule).aggregate(latest=Max("version"))["latest"] or 0
    version = EarningRuleVersion.objects.create(
        rule=rule,
        version=latest + 1,
        definition=dict(definition),
        effective_from=effective_from,
        published_at=now,
        published_by=actor.audit_id,
        note=note,
    )
    enter_named_payers(actor, checked.funding)
    _touch(program_id)
    audit.record(
        actor=actor,
        action="rule.publish",
        subject=("rule", rule.pk),
        after={
            "version": version.version,
            "effective_from": effective_from.isoformat(),
            "definition": dict(definition),
        },
        reason=note,
        now=now,
    )
    fact = RuleVersionPublished(program_id, code, version.version, effective_from)
    events.publish(fact, actor=actor, now=now)
    return version.pk


@transaction.atomic
def retire_rule(*, actor: Viewer, rule_id: int, retired_from: dt.datetime, now: dt.datetime) -> None:
    """End a rule: its latest version is in force until ``retired_from``, not before now."""
    require_touch(actor, "programme.edit")
    if retired_from < now - dt.timedelta(minutes=1):
        raise RuleInThePast
    version = (
        EarningRuleVersion.objects.filter(rule_id=rule_id).order_by("-version").select_related("rule").first()
    )
    if version is None:
        raise NotFound
    _locked_program(version.rule.program_id)
    version.retired_from = retired_from
    version.save(update_fields=["retired_from"])
    _touch(version.rule.program_id)
    after = {"version": version.version, "retired_from": retired_from.isoformat()}
    audit.record(actor=actor, action="rule.retire", subject=("rule", rule_id), after=after, now=now)
