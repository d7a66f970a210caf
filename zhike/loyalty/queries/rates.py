"""What points are worth: here and now, by which version, what a draft would cost, and how that went over time."""

from __future__ import annotations

import datetime as dt

from zhike.loyalty.queries.snapshots import Programme
from zhike.loyalty.rules import rates
from zhike.loyalty.rules.accounts import LotParts
from zhike.loyalty.rules.rates import Parts, Rate, RateTable, Terms
from zhike.organization import queries as organization


def parts_of(lots: LotParts) -> Parts:
    return [(funding_id, points) for _, funding_id, points in lots]


def table_at(programme: Programme, at: dt.datetime) -> tuple[RateTable, int]:
    """The redemption rates in force and the number of their version; 0: the programme's own settings."""
    version = rates.in_force(programme.rates, at)
    return (version.table, version.number) if version else (own_table(programme), 0)


def own_table(programme: Programme) -> RateTable:
    """The programme's settings, which hold before the first version."""
    return RateTable(
        programme.redeem_points,
        programme.redeem_fen,
        step=programme.redeem_step,
        minimum=programme.redeem_minimum,
        maximum=programme.redeem_maximum,
    )


def terms_of(programme: Programme, tier_id: int, merchant_id: int | None, at: dt.datetime) -> Terms:
    """What points of a member of this tier are worth at a merchant at this moment. Reads nothing: programme and merchants
    are in memory, at most ten seconds old."""
    if not programme.rates:
        return Terms(
            Rate(programme.redeem_points, programme.redeem_fen),
            programme.redeem_step,
            programme.redeem_minimum,
            programme.redeem_maximum,
        )
    merchant = organization.merchant_ref(merchant_id) if merchant_id else None
    return terms_for(programme, tier_id, merchant.trade_category_id if merchant else None, at)


def terms_for(programme: Programme, tier_id: int | None, category_id: int | None, at: dt.datetime) -> Terms:
    """The same for a trade category."""
    table, number = table_at(programme, at)
    day = programme.today(at)
    found = rates.find_rate(table, tier_id, category_id, day)
    promised = _promised(programme, found.rate, tier_id, category_id, at)
    price = table.lines[found.price] if found.price is not None else None
    premium = table.lines[found.premium] if found.premium is not None else None
    return Terms(
        found.rate,
        table.step,
        table.minimum,
        table.maximum,
        table.share_bp,
        promised,
        number,
        price.name if price else "",
        premium.name if premium else "",
        (premium.premium_bp or 0) if premium else 0,
    )


def _promised(
    programme: Programme, today: Rate, tier_id: int | None, category_id: int | None, at: dt.datetime
) -> dict[int, Rate]:
    """The rates of fundings whose points were promised more than today's rate."""
    if not any(one.keeps for one in programme.rates):
        return {}
    promised = {}
    day = programme.today(at)
    for funding_id, since in {**dict.fromkeys(programme.older_fundings, 0), **programme.since}.items():
        best = today
        for older in rates.promises_of(programme.rates, since, own_table(programme), at):
            kept = rates.find_rate(older, tier_id, category_id, day).rate
            best = kept if kept.is_above(best) else best
        if best is not today:
            promised[funding_id] = best
    return promised
