"""The programme as the hot path needs it, kept per process and read again when its stamp has moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import msgspec
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from zhike.kernel.clock import business_date
from zhike.loyalty.models import (
    EarningRuleVersion,
    Funding,
    Program,
    RateVersion,
    ReturnWindow,
    Tier,
    TierPolicyVersion,
)
from zhike.loyalty.models.versions import AnnouncedVersion
from zhike.loyalty.rules import rates
from zhike.loyalty.rules.announcing import begins_at
from zhike.loyalty.rules.calendar import Expiry
from zhike.loyalty.rules.definition import Rule, parse_definition
from zhike.loyalty.rules.funding import base_code, is_payer
from zhike.loyalty.rules.growth import GrowthRules, InForce, in_force
from zhike.loyalty.rules.standing import TierTerms
from zhike.loyalty.rules.tiers import TierStep

ISSUED, REDEEMED, EXPIRED, ADJUSTED, PENDING, HELD, MERGING, POOLED, GROWN = 1, 2, 3, 4, 5, 6, 7, 8, 9
SYSTEM_ACCOUNTS = {
    ISSUED: "issued", REDEEMED: "redeemed", EXPIRED: "expired", ADJUSTED: "adjusted", PENDING: "pending", HELD: "held",
    MERGING: "merging", POOLED: "pooled", GROWN: "growth",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Programme:
    """A snapshot of programme, ladder and rule versions at one stamp.

    ``payers`` are the fundings that one party pays for by itself, by its code, as new points get them. ``rates`` are the
    versions of its redemption rates, none before the first; ``since`` tells of each funding that came with a notice
    which version's it was. ``growth``: which rules of growth value are for which
    days. A draft is tried and never posted with.
    """

    id: int
    group_id: int
    stamp: int
    rounding: str
    expiry: str
    expiry_months: int
    expiry_month_day: str
    expiry_grace_days: int
    return_window_days: int
    return_windows: Mapping[int, int]
    hold_minutes: int
    time_zone: str
    shortfall: str
    redeem_points: int
    redeem_fen: int
    redeem_step: int
    redeem_minimum: int
    redeem_maximum: int
    tier_window: str
    tier_reverses_on_refund: bool
    tier_period: str
    tier_grace_days: int
    tier_fall: str
    claim_window_days: int
    photo_claims_day: int
    photo_claim_second_fen: int
    waiver_limit: int
    funding_id: int
    ladder: tuple[TierStep, ...]
    rules: tuple[Rule, ...]
    payers: Mapping[str, int] = field(default_factory=dict)
    rates: tuple[rates.Version, ...] = ()
    since: Mapping[int, int] = field(default_factory=dict)
    older_fundings: tuple[int, ...] = ()
    rate_notice_days: int = 0
    adjustment_limit: int = 0
    adjustment_day_limit: int = 0
    is_draft: bool = False
    tier_basis: str = "spend"
    growth: tuple[InForce, ...] = ()

    @property
    def expiry_policy(self) -> Expiry:
        return Expiry(
            self.expiry,  # type: ignore[arg-type]
            self.expiry_months,
            self.expiry_month_day,
            grace_days=self.expiry_grace_days,
        )

    @property
    def tier_terms(self) -> TierTerms:
        return TierTerms(
            self.ladder,
            self.tier_window,
            self.tier_period,
            self.tier_grace_days,
            self.tier_fall,
            self.tier_basis,
        )

    @property
    def counts_after(self) -> bool:
        """Whether what the ladder counts is known only when a receipt has been written (operations.growing)."""
        return self.tier_basis != "spend"

    def waiting_days(self, trade_category_id: int | None) -> int:
        """How many days the points of a purchase wait for the return window to close."""
        return self.return_windows.get(trade_category_id or 0, self.return_window_days)

    def today(self, now: dt.datetime) -> dt.date:
        """The programme's date."""
        return business_date(now, self.time_zone)

    def system_account(self, which: int) -> int:
        return system_account(self.id, which)


def system_account(program_id: int, which: int) -> int:
    """The id of a programme's system account: negative, so the partial indexes on members' accounts leave it out."""
    return -(program_id * 10 + which)


_known: dict[int, Programme] = {}


def programme(program_id: int, stamp: int) -> Programme:
    """The programme at this stamp, from memory when it is the one known."""
    known = _known.get(program_id)
    if known is None or known.stamp != stamp:
        known = _known[program_id] = _build(_read(program_id))
    return known


def read_programme(program_id: int) -> Programme:
    """The programme as it is now, with every rule version that was ever published.

    From memory while its stamp stands still; inside a transaction, which may have changed it before the stamp, always anew.
    """
    if connection.in_atomic_block:
        return _build(_read(program_id))
    stamp = Program.objects.values_list("stamp", flat=True).get(id=program_id)
    return programme(program_id, stamp)


def _build(row: Any) -> Programme:
    program_id = row.pk
    tiers = Tier.objects.filter(program_id=program_id).order_by("rank")
    since = {one["id"]: one["since"] for one in row.payers if one["program"] == program_id}
    return Programme(
        id=row.pk,
        group_id=row.group_id,
        stamp=row.stamp,
        rounding=row.rounding,
        expiry=row.expiry,
        expiry_months=row.expiry_months,
        expiry_month_day=row.expiry_month_day,
        expiry_grace_days=row.expiry_grace_days,
        return_window_days=row.return_window_days,
        return_windows={window["category"]: window["days"] for window in row.windows},
        hold_minutes=row.hold_minutes,
        time_zone=row.time_zone,
        shortfall=row.shortfall,
        redeem_points=row.redeem_points,
        redeem_fen=row.redeem_fen,
        redeem_step=row.redeem_step,
        redeem_minimum=row.redeem_minimum,
        redeem_maximum=row.redeem_maximum,
        tier_window=row.tier_window,
        tier_reverses_on_refund=row.tier_reverses_on_refund,
        tier_period=row.tier_period,
        tier_grace_days=row.tier_grace_days,
        tier_fall=row.tier_fall,
        claim_window_days=row.claim_window_days,
        photo_claims_day=row.photo_claims_day,
        photo_claim_second_fen=row.photo_claim_second_fen,
        waiver_limit=row.waiver_limit,
        funding_id=row.funding_id,
        ladder=tuple(
            TierStep(
                tier.pk,
                tier.rank,
                tier.threshold_fen,
                tier.code,
                tier.name,
                tier.keep_fen,
                tier.keep_visits,
                tier.threshold_count,
                tier.keep_count,
                row.tier_basis,
            )
            for tier in tiers
        ),
        rules=tuple(_rules(program_id)),
        payers={
            code: one["id"]
            for one in row.payers
            if one["since"] == since.get(row.funding_id) and is_payer(code := base_code(one["code"]))
        },
        rates=tuple(_rates(row.versions)),
        since=since,
        older_fundings=tuple(one["id"] for one in row.payers if one["id"] not in since),
        rate_notice_days=row.rate_notice_days,
        adjustment_limit=row.adjustment_limit,
        adjustment_day_limit=row.adjustment_day_limit,
        tier_basis=row.tier_basis,
        growth=_growth(row.terms, row.time_zone),
    )


def _read(program_id: int) -> Any:
    """The programme's row with everything that hangs on it, in one query."""
    windows = ReturnWindow.objects.filter(program_id=OuterRef("pk")).values(
        window=JSONObject(category="trade_category_id", days="days")
    )
    payers = Funding.objects.values(
        payer=JSONObject(code="code", id="id", since="since_id", program="since__program_id")
    )
    versions = RateVersion.objects.filter(program_id=OuterRef("pk"), withdrawn_at=None).values(
        row=JSONObject(**{name: name for name in _RATE_COLUMNS})
    )
    terms = TierPolicyVersion.objects.filter(program_id=OuterRef("pk"), applied_at__isnull=False).values(
        row=JSONObject(version="version", began="applied_at", growth="definition__growth")
    )
    return Program.objects.annotate(
        windows=ArraySubquery(windows),
        payers=ArraySubquery(payers),
        versions=ArraySubquery(versions),
        terms=ArraySubquery(terms),
    ).get(id=program_id)


def _growth(rows: Sequence[Mapping[str, Any]], zone: str) -> tuple[InForce, ...]:
    """Which version of the terms says what growth value is given for, day by day, as they came with their programme."""
    begun = []
    for one in sorted(rows, key=itemgetter("began", "version")):
        rules = msgspec.convert(one["growth"], GrowthRules) if one["growth"] else None
        begun.append((one["version"], business_date(dt.datetime.fromisoformat(one["began"]), zone), rules))
    return tuple(in_force(begun))


_RATE_COLUMNS = (
    "id",
    "version",
    "definition",
    "effective_from",
    "cut_bp",
    "keeps",
    "notice_days",
    "noticed_at",
)


def _rates(rows: Sequence[Mapping[str, Any]]) -> list[rates.Version]:
    """The versions, as they came along with their programme."""
    found = []
    for row in sorted(rows, key=itemgetter("id")):
        moments = {
            name: dt.datetime.fromisoformat(row[name]) if row[name] else None
            for name in ("effective_from", "noticed_at")
        }
        version = RateVersion(**{**row, **moments})
        table = rates.parse_table(version.definition)
        found.append(rates.Version(version.pk, version.version, table, starts_at(version), version.keeps))
    return found


def starts_at(row: AnnouncedVersion) -> dt.datetime | None:
    """When a version begins; None while one that makes things worse has not been announced to everybody."""
    return begins_at(
        row.effective_from, is_worse=row.is_worse, noticed_at=row.noticed_at, notice_days=row.notice_days
    )


def _rules(program_id: int) -> list[Rule]:
    """Every version as a Rule; each ends where the next of its rule begins, or where it was retired."""
    versions = (
        EarningRuleVersion.objects.filter(rule__program_id=program_id)
        .select_related("rule")
        .order_by("rule_id", "effective_from", "version")
    )
    rules: list[Rule] = []
    following: EarningRuleVersion | None = None
    for version in reversed(list(versions)):
        ends = [version.retired_from] if version.retired_from else []
        if following is not None and following.rule_id == version.rule_id:
            ends.append(following.effective_from)
        following = version
        rules.append(
            Rule(
                rule_id=version.rule_id,
                version_id=version.pk,
                version=version.version,
                code=version.rule.code,
                name=version.rule.name,
                effective_from=version.effective_from,
                effective_to=min(ends) if ends else None,
                definition=parse_definition(version.definition),
            )
        )
    return rules[::-1]
