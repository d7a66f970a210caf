"""What a campaign did: funnel, cost, and the comparison with its holdout. Every figure follows from the newest measure.

Definitions. *Measured*: whoever all gates would have let through when the wave opened, in every arm alike. *Bought*: at least one
sale in the window. *Lift*: the difference between the arms and the holdout, adjusted for the same people's purchases of the 56
days before (CUPED) when every arm has 200 people or more. While the window is open the interval is one that holds at every
look; once it is over, the ordinary 95 % interval. *Extra sales*: the lift in sales a person times the people who were given
something. *Extra margin*: the lift in what is left of those sales, receipt by receipt at the rate of its merchant and day, times the
people; told only where the rate of nine tenths of the sales is known. *Gain*: extra margin less cost; *ROI*: gain over cost. Without a
holdout there is no lift.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhike.kernel.access import Viewer, system_viewer
from zhike.marketing.models import Campaign, CampaignMeasure, CampaignRecipient
from zhike.marketing.queries.found import arms_of, campaign_row, code_of
from zhike.marketing.queries.margins import house_margin
from zhike.marketing.queries.spending import spent_by
from zhike.marketing.rules import campaigns as rules
from zhike.marketing.rules import measuring
from zhike.marketing.rules.assignment import HOLDOUT
from zhike.marketing.rules.margins import COVERED_MIN
from zhike.marketing.rules.measuring import Effect, Moments, Split
from zhike.messaging import queries as messaging

ADJUSTED_FROM = 200
READER = system_viewer("marketing")


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """``people`` measured; ``bought`` of them, at ``rate``; ``sales_fen`` of all, ``mean_fen`` of one.

    ``visit`` and ``revenue`` compare it with the holdout; None without one.
    """

    key: str
    people: int
    given: int
    clicked: int
    bought: int
    sales_fen: int
    withdrawn: int
    complained: int
    visit: Effect | None = None
    revenue: Effect | None = None

    @property
    def rate(self) -> float | None:
        return self.bought / self.people if self.people else None

    @property
    def mean_fen(self) -> int | None:
        return round(self.sales_fen / self.people) if self.people else None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in fen with its interval."""

    fen: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Fen: messages and points as given, coupons as used, and all of it by who pays."""

    messages: int
    points: int
    coupons: int
    by_party: Mapping[str, int]

    @property
    def total(self) -> int:
        return self.messages + self.points + self.coupons


@dataclass(frozen=True, slots=True)
class Funnel:
    """People, each once: given something, sent a message, delivered, opened (the inbox tells), followed the link, bought."""

    given: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    bought: int = 0


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Something that must not grow, in the arms against the holdout. ``is_alarming``: the interval is all above zero."""

    name: str
    count: int
    effect: Effect | None

    @property
    def is_alarming(self) -> bool:
        return self.effect is not None and self.effect.low > 0


@dataclass(frozen=True, slots=True)
class Review:
    """``together`` is all arms as one; ``covered`` the share of the sales whose margin is known; ``verdict``: no_holdout,
    not_measured, broken_split, up, down or open.
    """

    measured_at: dt.datetime | None
    method: str
    verdict: str
    together: ArmFigures | None
    holdout: ArmFigures | None
    arms: tuple[ArmFigures, ...]
    split: Split
    reduction: float
    extra: Money | None
    cost: Cost
    gain: Money | None
    roi: tuple[float, float, float] | None
    extra_margin: Money | None
    covered: float
    guardrails: tuple[Guardrail, ...]
    funnel: Funnel
    global_held: int = 0
    best: str = ""

    @property
    def is_told(self) -> bool:
        """Whether there is a comparison that may be believed."""
        return self.verdict in ("up", "down", "open")


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The lift in the share that bought, as a day's measure had it."""

    day: dt.date
    effect: Effect


def review(viewer: Viewer, campaign_id: int, now: dt.datetime) -> Review:
    """Raises NotFound."""
    return review_of(campaign_row(viewer, campaign_id), now)


def review_of(row: Campaign, now: dt.datetime) -> Review:
    """For a campaign whose viewer was checked."""
    newest = newest_measure(row.pk)
    sums: Mapping[str, Any] = newest.sums if newest else {}
    method = "fixed" if row.status == Campaign.Status.DONE else "sequential"
    arms = arms_of(row.pk)
    visits, _reduction = compared(sums, "bought", method)
    sales, reduction = compared(sums, "revenue", method)
    figures = {key: _figures(key, one, visits.get(key), sales.get(key)) for key, one in sums.items()}
    treated = [figures[arm.key] for arm in arms if arm.key in figures]
    together = _together(sums, [arm.key for arm in arms], visits.get(""), sales.get(""))
    holdout = figures.get(HOLDOUT)
    split = _split(row, arms, sums)
    cost = _cost(row, arms, now)
    extra, margin = extra_of(together), margin_told(sums, method, row.group_id)
    return Review(
        measured_at=newest.measured_at if newest else None,
        method=method,
        verdict=_verdict(row, together, holdout, split),
        together=together,
        holdout=holdout,
        arms=tuple(treated),
        split=split,
        reduction=reduction,
        extra=extra,
        cost=cost,
        gain=gain_of(margin.extra, cost),
        roi=roi_of(margin.extra, cost),
        extra_margin=margin.extra,
        covered=margin.covered,
        guardrails=_guardrails(together, holdout),
        funnel=_funnel(row, together, now),
        global_held=CampaignRecipient.objects.filter(campaign=row, arm=rules.GLOBAL).count(),
        best=_best(treated, row.goal),
    )


def trend(viewer: Viewer, campaign_id: int) -> list[TrendPoint]:
    """Day by day, with intervals that hold at every look. Raises NotFound."""
    row = campaign_row(viewer, campaign_id)
    points = []
    for one in CampaignMeasure.objects.filter(campaign=row).order_by("day"):
        effect = compared(one.sums, "bought", "sequential")[0].get("")
        if effect is not None:
            points.append(TrendPoint(one.day, effect))
    return points


def compared(sums: Mapping[str, Any], name: str, method: str) -> tuple[dict[str, Effect], float]:
    """The effect by arm, all together under "", and the share of variance that the time before took away."""
    arms = {key: Moments(*one[name]) for key, one in sums.items()}
    control = arms.get(HOLDOUT)
    treated = {key: one for key, one in arms.items() if key != HOLDOUT}
    if control is None or not treated:
        return {}, 0.0
    groups = {**treated, "": sum(treated.values(), Moments())}
    is_adjusted = min(control.n, *(one.n for one in treated.values())) >= ADJUSTED_FROM
    if is_adjusted:
        clean, reduction = measuring.adjusted({**treated, HOLDOUT: control})
        base = clean.pop(HOLDOUT)
        compared = {**clean, "": sum(clean.values(), Moments())}
    else:
        compared, base, reduction = groups, control, 0.0
    found: dict[str, Effect] = {}
    for key, one in compared.items():
        raw = groups[key]
        if method == "sequential":
            effect = measuring.always_valid(one, base)
        elif name == "bought" and not is_adjusted:
            effect = measuring.rates(int(raw.y), raw.n, int(control.y), control.n)
        else:
            effect = measuring.means(one, base)
        if effect is not None:
            found[key] = effect
    return found, reduction


def _figures(key: str, one: Mapping[str, Any], visit: Effect | None, revenue: Effect | None) -> ArmFigures:
    bought, money = Moments(*one["bought"]), Moments(*one["revenue"])
    return ArmFigures(
        key, bought.n, one["given"], one["clicked"], int(bought.y), int(money.y), one["withdrawn"],
        one["complained"], visit, revenue,
    )  # fmt: skip


def _together(
    sums: Mapping[str, Any], keys: Sequence[str], visit: Effect | None, revenue: Effect | None
) -> ArmFigures | None:
    parts = [_figures(key, sums[key], None, None) for key in keys if key in sums]
    if not parts:
        return None
    return ArmFigures(
        key="",
        people=sum(one.people for one in parts),
        given=sum(one.given for one in parts),
        clicked=sum(one.clicked for one in parts),
        bought=sum(one.bought for one in parts),
        sales_fen=sum(one.sales_fen for one in parts),
        withdrawn=sum(one.withdrawn for one in parts),
        complained=sum(one.complained for one in parts),
        visit=visit,
        revenue=revenue,
    )


def _split(row: Campaign, arms: Sequence[Any], sums: Mapping[str, Any]) -> Split:
    """Of everybody assigned, measured or not; after a roll-out only the holdout's share is known."""
    counts = {key: one["assigned"] for key, one in sums.items()}
    weights = sum(arm.weight for arm in arms)
    if row.winner:
        given = sum(count for key, count in counts.items() if key != HOLDOUT)
        counts = {"arms": given, HOLDOUT: counts.get(HOLDOUT, 0)}
        shares = {"arms": float(10_000 - row.holdout_bp)}
    else:
        shares = {arm.key: (10_000 - row.holdout_bp) * arm.weight / weights for arm in arms}
    return measuring.split(counts, {**shares, HOLDOUT: float(row.holdout_bp)})


def _verdict(row: Campaign, together: ArmFigures | None, holdout: ArmFigures | None, split: Split) -> str:
    if not row.holdout_bp:
        return "no_holdout"
    if together is None or holdout is None or not together.people:
        return "not_measured"
    if split.is_broken:
        return "broken_split"
    effect = together.revenue if row.goal == "revenue" else together.visit
    if effect is None:
        return "not_measured"
    return "up" if effect.low > 0 else "down" if effect.high < 0 else "open"


def extra_of(together: ArmFigures | None) -> Money | None:
    """The lift in sales a person times the people."""
    if together is None or together.revenue is None:
        return None
    effect, people = together.revenue, together.people
    return Money(round(effect.difference * people), round(effect.low * people), round(effect.high * people))


def _cost(row: Campaign, arms: Sequence[Any], now: dt.datetime) -> Cost:
    spent = spent_by(row.pk, arms, now)
    messages = -(-spent.messages // rules.FEN)
    coupons = sum((spent.coupons or {}).values())
    return Cost(messages, spent.points_fen, coupons, spent.by_party())


@dataclass(frozen=True, slots=True)
class MarginTold:
    """``extra`` is None without a holdout, and where too little of the sales has a known rate."""

    extra: Money | None
    covered: float


def margin_told(sums: Mapping[str, Any], method: str, group_id: int) -> MarginTold:
    """What is left of the extra sales, from the sums of an arm each.

    Measures of before receipts were reckoned one by one are told at the house's rate, where there is one.
    """
    sold, known = (sum(one.get(name, 0) for one in sums.values()) for name in ("sold", "known"))
    if not all("margin" in one for one in sums.values()):
        found, house = extra_in(sums, "revenue", method), house_margin(group_id)
        if house is None or found is None:
            return MarginTold(None, 0.0)
        return MarginTold(Money(*(fen * house // 10_000 for fen in (found.fen, found.low, found.high))), 1.0)
    covered = known / sold if sold else 1.0
    return MarginTold(extra_in(sums, "margin", method) if covered >= COVERED_MIN else None, covered)


def extra_in(sums: Mapping[str, Any], name: str, method: str) -> Money | None:
    """The lift in a mean, times the people of all arms but the holdout; None without one."""
    effect = compared(sums, name, method)[0].get("")
    if effect is None:
        return None
    people = sum(one[name][0] for key, one in sums.items() if key != HOLDOUT)
    return Money(*(round(part * people) for part in (effect.difference, effect.low, effect.high)))


def gain_of(margin: Money | None, cost: Cost) -> Money | None:
    """Extra margin, less cost."""
    if margin is None:
        return None
    return Money(*(fen - cost.total for fen in (margin.fen, margin.low, margin.high)))


def roi_of(margin: Money | None, cost: Cost) -> tuple[float, float, float] | None:
    """Gain over cost; None without cost."""
    gain = gain_of(margin, cost)
    if gain is None or not cost.total:
        return None
    return gain.fen / cost.total, gain.low / cost.total, gain.high / cost.total


def newest_measure(campaign_id: int) -> CampaignMeasure | None:
    """What was measured last."""
    return CampaignMeasure.objects.filter(campaign_id=campaign_id).order_by("-day").first()


def margin_of(group_id: int) -> int:
    """What targeting takes for left of a yuan of sales, in basis points: the house's rate, an assumed one where nobody set it."""
    known = house_margin(group_id)
    return rules.MARGIN_BP if known is None else known


def _guardrails(together: ArmFigures | None, holdout: ArmFigures | None) -> tuple[Guardrail, ...]:
    if together is None:
        return ()
    found = []
    for name in ("withdrawn", "complained"):
        count, people = getattr(together, name), together.people
        effect = (
            measuring.rates(count, people, getattr(holdout, name), holdout.people)
            if holdout and people and holdout.people
            else None
        )
        found.append(Guardrail(name, count, effect))
    return tuple(found)


def _funnel(row: Campaign, together: ArmFigures | None, now: dt.datetime) -> Funnel:
    if row.launched_at is None:
        return Funnel()
    wanted = messaging.Filter(row.launched_at, now + dt.timedelta(days=1), campaign=code_of(row.pk))
    sent = messaging.sending(READER, wanted).funnel
    given = CampaignRecipient.objects.filter(campaign=row, state="given")
    return Funnel(
        given=given.count(),
        sent=sent.people,
        delivered=sent.delivered,
        opened=sent.opened,
        clicked=given.exclude(clicked_at=None).count(),
        bought=together.bought if together else 0,
    )


def _best(arms: Sequence[ArmFigures], goal: str) -> str:
    """The arm with the largest lift, when there are several; its name says nothing about whether the difference is real."""
    if len(arms) < 2:
        return ""
    return max(arms, key=lambda one: (one.mean_fen if goal == "revenue" else one.rate) or 0).key


def given_people(campaign_id: int) -> list[tuple[int, str]]:
    """(person, arm) of everybody measured who was given something; for programs that follow a campaign up."""
    rows = CampaignRecipient.objects.filter(campaign_id=campaign_id, state="given", gate="")
    return list(rows.order_by("person_id").values_list("person_id", "arm"))
