"""Benefits: what a member has and has left, what the next tier would bring, and what they cost whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.queries import TierView, member_file, person_ids_of
from zhike.rewards.models import Benefit, BenefitUsage, BenefitUse
from zhike.rewards.queries.catalogue import COLUMNS, VIEW
from zhike.rewards.queries.known import Places
from zhike.rewards.rules import benefits as rules
from zhike.rewards.rules.exchange import period_of, shares_of

NEWEST = Keyset((("id", "desc"),))
ICONS = {
    "parking": "square-parking",
    "lounge": "sofa",
    "gift": "gift",
    "service": "sparkles",
    "priority": "crown",
    "points": "coins",
}


@dataclass(frozen=True, slots=True)
class BenefitView:
    id: int
    group_id: int
    mall_id: int | None
    code: str
    name: str
    kind: str
    unit: str
    description: str
    how_to_use: str
    quotas: Mapping[str, int]
    period: str
    birth_month: bool
    cost_fen: int
    funding: Mapping[str, int]
    position: int
    version: int

    @property
    def icon(self) -> str:
        return ICONS[self.kind]


@dataclass(frozen=True, slots=True)
class OwnBenefit:
    """A benefit of one member: ``left`` of ``quota`` in this period (both 0: nothing is counted). ``refusal`` says why it
    cannot be used now; ``next_quota`` is the next tier's, None when that has it not or there is no next tier.
    """

    benefit: BenefitView
    quota: int
    used: int
    refusal: str | None
    next_quota: int | None
    mall_name: str

    @property
    def left(self) -> int:
        return max(0, self.quota - self.used)


@dataclass(frozen=True, slots=True)
class OwnBenefits:
    """What the tier gives, and what the next one would add or raise: (benefit, its quota there)."""

    items: list[OwnBenefit]
    next_tier: TierView | None
    added: list[tuple[BenefitView, int]]


@dataclass(frozen=True, slots=True)
class BenefitFigures:
    """Uses that were not cancelled: how often, how much, by how many members, and what it cost whom."""

    uses: int = 0
    quantity: int = 0
    members: int = 0
    cost_fen: int = 0
    cancelled: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UseView:
    id: int
    benefit_id: int
    benefit_name: str
    unit: str
    member_id: int
    name: str
    tier_name: str
    mall_name: str
    quantity: int
    cost_fen: int
    note: str
    used_at: dt.datetime
    used_by: str
    cancelled_at: dt.datetime | None
    cancel_reason: str


def benefit_view(row: Benefit) -> BenefitView:
    same = {name: getattr(row, name) for name in BenefitView.__dataclass_fields__ if name != "id"}
    return BenefitView(id=row.pk, **same)


def benefits(viewer: Viewer) -> list[BenefitView]:
    """All that are in force in scope, and the whole group's."""
    require(viewer, VIEW)
    own = visible(Benefit.objects.all(), viewer, VIEW, COLUMNS).values("pk")
    rows = Benefit.objects.filter(Q(pk__in=own) | Q(mall=None), retired_at=None)
    return [benefit_view(row) for row in rows.order_by("position", "id")]


def benefit(viewer: Viewer, benefit_id: int) -> BenefitView:
    """One in scope. Raises NotFound."""
    rows = Benefit.objects.filter(retired_at=None)
    shared = rows.filter(pk=benefit_id, mall=None).first() if viewer.may(VIEW) else None
    return benefit_view(shared or load_visible(rows, benefit_id, viewer, VIEW, COLUMNS))


def benefit_names(benefit_ids: Sequence[int]) -> dict[int, str]:
    return dict(Benefit.objects.filter(id__in=benefit_ids).values_list("id", "name"))


@dataclass(frozen=True, slots=True)
class TierGives:
    """What one tier has: each benefit with its quota in a period; 0: it is there, nothing is counted."""

    tier_id: int
    benefits: list[tuple[BenefitView, int]]


def benefits_by_tier(group_id: int) -> list[TierGives]:
    """What every tier of a group has, as members may read it."""
    found: dict[int, list[tuple[BenefitView, int]]] = {}
    for row in Benefit.objects.filter(group_id=group_id, retired_at=None).order_by("position", "id"):
        for tier_id, quota in row.quotas.items():
            found.setdefault(int(tier_id), []).append((benefit_view(row), quota))
    return [TierGives(tier_id, benefits) for tier_id, benefits in found.items()]


def member_benefits(
    viewer: Viewer, member_id: int, now: dt.datetime, *, presented: bool = False
) -> OwnBenefits:
    """What a member's tier gives them, with what is left, and what the next tier would bring. Raises MemberNotFound."""
    file = member_file(viewer, member_id, now, presented=presented)
    rows = list(
        Benefit.objects.filter(group_id=file.programme.group_id, retired_at=None).order_by("position", "id")
    )
    places = Places(now)
    periods = {row.pk: period_of(row.period, places.today(row.mall_id or file.mall_id)) for row in rows}
    used = {
        benefit_id: number
        for benefit_id, period, number in BenefitUsage.objects.filter(
            member_id=member_id, benefit_id__in=list(periods)
        ).values_list("benefit_id", "period", "used")
        if periods[benefit_id] == period
    }
    above, items, added = file.next_tier, [], []
    birthday = customers.birth_date(file.person.id) if any(row.birth_month for row in rows) else None
    for row in rows:
        quota = rules.quota_of(row.quotas, file.tier.id)
        after = rules.quota_of(row.quotas, above.id) if above else None
        if after is not None and (quota is None or after > quota):
            added.append((benefit_view(row), after))
        if quota is None:
            continue
        why_not = rules.refusal(
            quota,
            used.get(row.pk, 0),
            1,
            birth_month=row.birth_month,
            birthday=birthday,
            today=places.today(row.mall_id or file.mall_id),
        )
        items.append(
            OwnBenefit(
                benefit_view(row), quota, used.get(row.pk, 0), why_not, after, places.name(row.mall_id)
            )
        )
    return OwnBenefits(items, above, added)


def benefit_figures(
    viewer: Viewer,
    benefit_ids: Sequence[int],
    *,
    since: dt.datetime | None = None,
    mall_id: int | None = None,
) -> dict[int, BenefitFigures]:
    """The figures of some benefits over the uses in scope, from ``since`` on."""
    rows = _uses(viewer, mall_id).filter(benefit_id__in=benefit_ids)
    if since is not None:
        rows = rows.filter(used_at__gte=since)
    funding = dict(Benefit.objects.filter(id__in=benefit_ids).values_list("id", "funding"))
    standing = Q(cancelled_at=None)
    sums = rows.values("benefit_id").annotate(
        uses=Count("id", filter=standing),
        pieces=Sum("quantity", filter=standing),
        people=Count("member_id", filter=standing, distinct=True),
        cost=Sum("cost_fen", filter=standing),
        cancelled=Count("id", filter=~standing),
    )
    found = {one: BenefitFigures() for one in benefit_ids}
    for row in sums:
        cost = row["cost"] or 0
        found[row["benefit_id"]] = BenefitFigures(
            row["uses"],
            row["pieces"] or 0,
            row["people"],
            cost,
            row["cancelled"],
            shares_of(cost, funding[row["benefit_id"]]),
        )
    return found


def _uses(viewer: Viewer, mall_id: int | None) -> QuerySet[BenefitUse]:
    rows = visible(BenefitUse.objects.select_related("benefit", "tier", "mall"), viewer, VIEW, COLUMNS)
    return rows if mall_id is None else rows.filter(mall_id=mall_id)


def uses_page(
    viewer: Viewer,
    *,
    mall_id: int | None = None,
    benefit_id: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[UseView]:
    """Uses in scope, newest first. Raises BadCursor."""
    rows = _uses(viewer, mall_id)
    if benefit_id is not None:
        rows = rows.filter(benefit_id=benefit_id)
    page = NEWEST.page(rows, cursor, limit)
    return Listing(_named(page.items), page.next_cursor, page.previous_cursor)


def member_uses(
    viewer: Viewer, member_id: int, now: dt.datetime, *, presented: bool = False, limit: int = 20
) -> list[UseView]:
    """What a member used lately. Raises MemberNotFound."""
    member_file(viewer, member_id, now, presented=presented)
    rows = BenefitUse.objects.filter(member_id=member_id).select_related("benefit", "tier", "mall")
    return _named(list(rows.order_by("-id")[:limit]))


def use_of(viewer: Viewer, use_id: int) -> UseView:
    """One use in the scope of a desk. Raises NotFound."""
    rows = visible(
        BenefitUse.objects.select_related("benefit", "tier", "mall"), viewer, "rewards.serve", COLUMNS
    )
    row = rows.filter(id=use_id).first()
    if row is None:
        raise NotFound
    return _named([row])[0]


def _named(rows: list[BenefitUse]) -> list[UseView]:
    persons = person_ids_of([row.member_id for row in rows])
    people = customers.summaries(list(set(persons.values())))
    return [
        UseView(
            row.pk,
            row.benefit_id,
            row.benefit.name,
            row.benefit.unit,
            row.member_id,
            people[persons[row.member_id]].name,
            row.tier.name,
            row.mall.name,
            row.quantity,
            row.cost_fen,
            row.note,
            row.used_at,
            row.used_by,
            row.cancelled_at,
            row.cancel_reason,
        )
        for row in rows
    ]
