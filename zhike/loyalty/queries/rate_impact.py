"""Versions of the redemption rates as people see them; what a draft would cost; what points could buy over time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext as _

from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.money import yuan_text
from zhike.loyalty.models import RateNotice, RateVersion
from zhike.loyalty.queries.rates import table_at, terms_of
from zhike.loyalty.queries.snapshots import Programme, read_programme, starts_at
from zhike.loyalty.rules import rates
from zhike.loyalty.rules.calendar import add_months
from zhike.loyalty.rules.rates import RateTable, Terms, fitting

REPLAY_DAYS = (30, 90)
MONTHS = 24


@dataclass(frozen=True, slots=True)
class RateVersionView:
    """``state`` is planned, notice (waits for its notice), in_force, past or withdrawn."""

    version_id: int
    version: int
    table: RateTable
    effective_from: dt.datetime
    starts_at: dt.datetime | None
    state: str
    cut_bp: int
    keeps: bool
    notice_days: int
    noticed_at: dt.datetime | None
    told: int
    published_at: dt.datetime
    published_by: str
    note: str


def rate_versions(viewer: Viewer, program_id: int, now: dt.datetime) -> list[RateVersionView]:
    """Every version, the newest first. Raises NotAllowed."""
    require(viewer, "programme.view")
    programme = read_programme(program_id)
    current = rates.in_force(programme.rates, now)
    rows = RateVersion.objects.filter(program_id=program_id).order_by("-version")
    counts = (
        RateNotice.objects.filter(version__program_id=program_id)
        .values_list("version")
        .annotate(n=Count("id"))
    )
    told = dict(counts)
    return [
        RateVersionView(
            row.pk,
            row.version,
            rates.parse_table(row.definition),
            row.effective_from,
            begins := starts_at(row),
            _state(row, begins, current, now),
            row.cut_bp,
            row.keeps,
            row.notice_days,
            row.noticed_at,
            told.get(row.pk, 0),
            row.published_at,
            row.published_by,
            row.note,
        )
        for row in rows
    ]


def _state(
    row: RateVersion, begins: dt.datetime | None, current: rates.Version | None, now: dt.datetime
) -> str:
    if row.withdrawn_at is not None:
        return "withdrawn"
    if begins is None:
        return "notice"
    if begins > now:
        return "planned"
    return "in_force" if current is not None and current.id == row.pk else "past"


@dataclass(frozen=True, slots=True)
class NoticeView:
    """The evidence that a member was told."""

    member_id: int
    points: int
    before_fen: int
    after_fen: int
    told_at: dt.datetime


def rate_notices(viewer: Viewer, version_id: int, limit: int = 50) -> list[NoticeView]:
    """Whom a version was announced to, those with most points first. Raises NotAllowed."""
    require_touch(viewer, "programme.edit")
    rows = RateNotice.objects.filter(version_id=version_id).order_by("-points", "id")[:limit]
    return [NoticeView(row.member_id, row.points, row.before_fen, row.after_fen, row.told_at) for row in rows]


# --- here and now


@dataclass(frozen=True, slots=True)
class PointsWorth:
    """What a member's points are worth here and now: ``points`` of ``balance`` can be spent at once, for ``value_fen``."""

    balance: int
    points: int
    value_fen: int
    terms: Terms


def points_worth(member_id: int, merchant_id: int | None, now: dt.datetime) -> PointsWorth | None:
    """For pages that show a member to somebody who may see them; a till promises it with a quote. None without account."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.program_id, m.tier_id, a.balance,
                (SELECT json_agg(json_build_array(l.expires_on, l.funding_id, l.remaining) ORDER BY l.expires_on, l.funding_id)
                 FROM loyalty_lot l WHERE l.account_id = a.id AND l.remaining > 0)
            FROM loyalty_member s JOIN loyalty_member m ON m.id = coalesce(s.survivor_id, s.id)
            JOIN loyalty_account a ON a.member_id = m.id WHERE s.id = %s""",
            [member_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    programme = read_programme(row[0])
    today = programme.today(now).isoformat()
    lots = json.loads(row[3]) if isinstance(row[3], str) else row[3] or []
    parts = [(funding_id, points) for day, funding_id, points in lots if day >= today]
    terms = terms_of(programme, row[1], merchant_id, now)
    points = fitting(terms, parts, None)
    return PointsWorth(row[2], points, int(rates.worth(parts, terms.rate, terms.promised, points)), terms)


def rate_sentence(terms: Terms) -> str:
    """Why points are worth what they are, in one sentence."""
    worth = terms.rate
    values = {"points": f"{worth.points:,}", "value": yuan_text(worth.fen)}
    if worth.points < 100 and 100 * worth.fen % worth.points == 0:
        values = {"points": "100", "value": yuan_text(100 * worth.fen // worth.points)}
    text = _("%(points)s points pay ¥%(value)s") % values
    if terms.price:
        text = _("%(text)s at “%(line)s”") % {"text": text, "line": terms.price}
    if terms.premium_bp:
        percent = f"{terms.premium_bp / 100:+g}%"
        text = _("%(text)s, with “%(line)s” %(percent)s") % {
            "text": text,
            "line": terms.premium,
            "percent": percent,
        }
    if terms.promised:
        text = _("%(text)s; points from before the last notice keep their older rate") % {"text": text}
    return _("%(text)s.") % {"text": text}


# --- before a draft is published


@dataclass(frozen=True, slots=True)
class TierImpact:
    """Points outstanding of one tier, worth ``before_fen`` now and ``after_fen`` under the draft."""

    name: str
    members: int
    points: int
    before_fen: int
    after_fen: int


@dataclass(frozen=True, slots=True)
class ReplayedDays:
    """What was redeemed in the last ``days`` (less what came back), and what the same points would have paid."""

    days: int
    redemptions: int
    points: int
    paid_fen: int
    draft_fen: int


@dataclass(frozen=True, slots=True)
class RateImpact:
    """``cut_bp``: by how much points would be worth less where it cuts deepest; ``earliest``: when it could begin."""

    cut_bp: int
    earliest: dt.datetime
    tiers: tuple[TierImpact, ...]
    replayed: tuple[ReplayedDays, ...]

    @property
    def points(self) -> int:
        return sum(one.points for one in self.tiers)

    @property
    def before_fen(self) -> int:
        return sum(one.before_fen for one in self.tiers)

    @property
    def after_fen(self) -> int:
        return sum(one.after_fen for one in self.tiers)


def rate_impact(
    viewer: Viewer,
    program_id: int,
    definition: Mapping[str, Any],
    effective_from: dt.datetime,
    now: dt.datetime,
    *,
    keeps: bool = False,
) -> RateImpact:
    """What a draft costs before it is published; nothing is written.

    Liability: the points outstanding of each tier at the rate without a trade category, before on the day the draft
    begins and after; with ``keeps`` no tier's falls. Cost: every redemption of the last 30 and 90 days at the draft's rate
    of its own day, shop and tier. Raises RateTableError, NotAllowed.
    """
    require(viewer, "programme.view")
    table = rates.parse_table(definition)
    programme = read_programme(program_id)
    day = programme.today(effective_from)
    before, _number = table_at(programme, effective_from - dt.timedelta(microseconds=1))
    cut = rates.cut_bp(before, table, [step.tier_id for step in programme.ladder], day)
    return RateImpact(
        cut,
        now + dt.timedelta(days=programme.rate_notice_days) if cut else now,
        tuple(_tier_impacts(programme, before, table, day, keeps)),
        tuple(_replayed(programme, table, days, now) for days in REPLAY_DAYS),
    )


def _tier_impacts(
    programme: Programme, before: RateTable, after: RateTable, day: dt.date, keeps: bool
) -> list[TierImpact]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT m.tier_id, count(*), sum(a.balance)::bigint FROM loyalty_account a
            JOIN loyalty_member m ON m.id = a.member_id WHERE a.program_id = %s AND a.balance > 0 GROUP BY 1""",
            [programme.id],
        )
        held = {tier: (members, points) for tier, members, points in cursor.fetchall()}
    impacts = []
    for step in programme.ladder:
        members, points = held.get(step.tier_id, (0, 0))
        old, new = (
            int(rates.find_rate(table, step.tier_id, None, day).rate.of(points)) for table in (before, after)
        )
        impacts.append(TierImpact(step.name, members, points, old, max(old, new) if keeps else new))
    return impacts


def _replayed(programme: Programme, table: RateTable, days: int, now: dt.datetime) -> ReplayedDays:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (r.redeemed_at AT TIME ZONE %s)::date, m.tier_id, s.trade_category_id, count(*),
                sum(r.points - r.reversed_points)::bigint,
                sum(r.value_fen * (r.points - r.reversed_points) / r.points)::bigint
            FROM loyalty_redemption r JOIN loyalty_member m ON m.id = r.member_id
            LEFT JOIN organization_merchant s ON s.id = r.merchant_id
            JOIN loyalty_transfer t ON t.id = r.transfer_id
            WHERE m.program_id = %s AND r.redeemed_at >= %s AND r.redeemed_at < %s AND NOT t.explanation ? 'for'
            GROUP BY 1, 2, 3""",
            [programme.time_zone, programme.id, now - dt.timedelta(days=days), now],
        )
        rows = cursor.fetchall()
    draft = sum(
        (
            rates.find_rate(table, tier, category, day).rate.of(points)
            for day, tier, category, _n, points, _f in rows
        ),
        Fraction(0),
    )
    return ReplayedDays(
        days,
        sum(row[3] for row in rows),
        sum(row[4] for row in rows),
        sum(row[5] for row in rows),
        int(draft),
    )


# --- over time


@dataclass(frozen=True, slots=True)
class PurchasingPower:
    """One month: what 100 points paid by the table on its last day, and what they really paid at tills (None: nothing was
    redeemed), in fen."""

    month: dt.date
    listed_fen: int
    paid_fen: int | None
    points: int


def purchasing_power(
    viewer: Viewer, program_id: int, now: dt.datetime, months: int = MONTHS
) -> list[PurchasingPower]:
    """The last months, the oldest first. ``listed_fen`` is the table's own price, without lines. Raises NotAllowed."""
    require(viewer, "programme.view")
    programme = read_programme(program_id)
    first = add_months(programme.today(now).replace(day=1), 1 - months)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT date_trunc('month', r.redeemed_at AT TIME ZONE %s)::date, sum(r.points)::bigint,
                sum(r.value_fen)::bigint
            FROM loyalty_redemption r JOIN loyalty_member m ON m.id = r.member_id
            JOIN loyalty_transfer t ON t.id = r.transfer_id
            WHERE m.program_id = %s AND r.redeemed_at >= %s AND NOT t.explanation ? 'for' GROUP BY 1""",
            [
                programme.time_zone,
                program_id,
                dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(days=1),
            ],
        )
        spent = {month: (points, fen) for month, points, fen in cursor.fetchall()}
    found = []
    for ahead in range(months):
        month = add_months(first, ahead)
        end = min(now, dt.datetime.combine(add_months(month, 1), dt.time(), dt.UTC) - dt.timedelta(days=1))
        table, _number = table_at(programme, end)
        points, fen = spent.get(month, (0, 0))
        found.append(
            PurchasingPower(
                month, 100 * table.fen // table.points, 100 * fen // points if points else None, points
            )
        )
    return found


def plain_table(table: RateTable) -> dict[str, Any]:
    """A table as the plain JSON it was published as, with every default spelled out."""
    plain: dict[str, Any] = msgspec.to_builtins(table)
    return plain
