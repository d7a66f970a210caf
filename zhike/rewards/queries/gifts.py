"""Gifts for what was spent: the campaigns, how far a member is, their gifts, and what all of it costs whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.clock import business_date
from zhike.kernel.codes import spoken
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.queries import member_file, person_ids_of
from zhike.organization import queries as organization
from zhike.rewards.models import GiftCampaign, GiftDay, GiftItem, GiftRight, GiftShare
from zhike.rewards.queries import spending
from zhike.rewards.queries.catalogue import COLUMNS, VIEW
from zhike.rewards.queries.known import zone_of
from zhike.rewards.queries.spending import HAVING, LIMITED, State, family_of, spent, terms_of, window_of
from zhike.rewards.rules import gifts as rules
from zhike.rewards.rules.exchange import QR_PREFIX, read_code, shares_of
from zhike.sales import queries as sales

SERVE = "rewards.serve"
NEWEST = Keyset((("id", "desc"),))
ENDED_SHOWN = dt.timedelta(days=60)


@dataclass(frozen=True, slots=True)
class GiftItemView:
    """``taken`` pieces are given or promised; ``left_today`` None: no daily number."""

    id: int
    mall_id: int
    code: str
    name: str
    icon: str
    stock: int
    taken: int
    per_day: int
    value_fen: int
    cost_fen: int
    points: int
    funding: Mapping[str, int]
    today: int = 0

    @property
    def left(self) -> int:
        return self.stock - self.taken

    @property
    def left_today(self) -> int | None:
        return max(0, min(self.left, self.per_day - self.today)) if self.per_day else None


@dataclass(frozen=True, slots=True)
class GiftStepView:
    position: int
    threshold_fen: int
    item: GiftItemView


@dataclass(frozen=True, slots=True)
class GiftCampaignView:
    """``state``: draft, early, open, fetching (receipts count no more, gifts can be fetched), over or ended."""

    id: int
    mall_id: int
    mall_name: str
    code: str
    name: str
    description: str
    terms: rules.GiftTerms
    steps: tuple[GiftStepView, ...]
    starts_on: dt.date
    ends_on: dt.date
    collect_until: dt.date
    state: str
    end_reason: str


@dataclass(frozen=True, slots=True)
class ReceiptShare:
    """``fen`` of a receipt that stand behind a gift."""

    receipt_id: UUID
    merchant_name: str
    number: str
    day: dt.date
    fen: int


@dataclass(frozen=True, slots=True)
class GiftRightView:
    """A member's gift. ``shares`` are the receipts behind it; the code is shown to fetch it."""

    id: int
    campaign_id: int
    campaign_name: str
    item_id: int
    item_name: str
    icon: str
    member_id: int
    mall_id: int
    mall_name: str
    code: str
    state: str
    threshold_fen: int
    basket: dt.date
    value_fen: int
    cost_fen: int
    points: int
    source: str
    reserved_at: dt.datetime
    collect_by: dt.datetime
    handed_at: dt.datetime | None
    due_on: dt.date | None
    ended_at: dt.datetime | None
    end_reason: str
    shares: tuple[ReceiptShare, ...] = ()

    @property
    def spoken_code(self) -> str:
        return spoken(self.code, 5)

    @property
    def payload(self) -> str:
        return QR_PREFIX + self.code

    @property
    def last_moment(self) -> dt.datetime:
        """The last second it can be fetched."""
        return self.collect_by - dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CountedReceipt:
    """A receipt in front of a campaign: what it was, how much of it counts and how much is used; ``reason`` why not all."""

    receipt_id: UUID
    merchant_name: str
    number: str
    day: dt.date
    net_fen: int
    fen: int
    used: int
    free: int
    reason: str


@dataclass(frozen=True, slots=True)
class StepNow:
    """A step for one member: ``missing_fen`` to it; ``refusal`` why they cannot have it (see rules.gifts.refusal, and
    spent: too little was spent), None: they can."""

    step: GiftStepView
    missing_fen: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Basket:
    """Receipts that add up: those of a day, or of the whole campaign. Amounts are fen."""

    day: dt.date
    counted_fen: int
    used_fen: int
    free_fen: int
    receipts: tuple[CountedReceipt, ...]
    steps: tuple[StepNow, ...]

    @property
    def can_have(self) -> bool:
        return any(one.refusal is None for one in self.steps)

    @property
    def goal_fen(self) -> int:
        """The next threshold there is something to do for; the last one when all are reached."""
        ahead = [one.step.threshold_fen for one in self.steps if one.missing_fen]
        return ahead[0] if ahead else self.steps[-1].step.threshold_fen


@dataclass(frozen=True, slots=True)
class GiftProgress:
    campaign: GiftCampaignView
    baskets: tuple[Basket, ...]


@dataclass(frozen=True, slots=True)
class MemberGifts:
    """``progress`` of the campaigns that run, ``rights`` newest first. ``owes``: a gift has to come back first."""

    progress: list[GiftProgress]
    rights: list[GiftRightView]
    owes: bool


@dataclass(frozen=True, slots=True)
class GiftFigures:
    """Rights by state; ``cost_fen`` of what members have, by payer in ``shares``; ``fen`` of receipts behind it."""

    by_state: Mapping[str, int] = field(default_factory=dict)
    members: int = 0
    cost_fen: int = 0
    fen: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)

    @property
    def reserved(self) -> int:
        return self.by_state.get("reserved", 0)

    @property
    def handed_out(self) -> int:
        """What left the desk and did not come back."""
        return sum(self.by_state.get(one, 0) for one in ("handed_out", "owed", "charged", "waived"))

    @property
    def owed(self) -> int:
        return self.by_state.get("owed", 0)

    @property
    def returned(self) -> int:
        return self.by_state.get("returned", 0)


@dataclass(frozen=True, slots=True)
class GiftRow:
    """A right in a list, with the member's name."""

    right: GiftRightView
    name: str


def gift_items(viewer: Viewer, now: dt.datetime, mall_id: int | None = None) -> list[GiftItemView]:
    """The gifts in scope, by code. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = visible(GiftItem.objects.all(), viewer, VIEW, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    return _items(list(rows.order_by("code")), now)


def gift_item(viewer: Viewer, item_id: int, now: dt.datetime) -> GiftItemView:
    """One in scope. Raises NotFound."""
    return _items([load_visible(GiftItem.objects.all(), item_id, viewer, VIEW, COLUMNS)], now)[0]


def _items(rows: Sequence[GiftItem], now: dt.datetime) -> list[GiftItemView]:
    days = {row.mall_id: business_date(now, zone_of(row.mall_id)) for row in rows}
    gone = {
        (one.item_id, one.day): one.taken
        for one in GiftDay.objects.filter(item__in=rows, day__in=set(days.values()))
    }
    names = [name for name in GiftItemView.__dataclass_fields__ if name not in ("id", "today")]
    return [
        GiftItemView(
            id=row.pk,
            today=gone.get((row.pk, days[row.mall_id]), 0),
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def gift_campaigns(viewer: Viewer, now: dt.datetime) -> list[GiftCampaignView]:
    """All in scope, the latest first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = visible(GiftCampaign.objects.select_related("mall"), viewer, VIEW, COLUMNS)
    return _campaigns(list(rows.order_by("-ends_on", "-id")[:200]), now)


def gift_campaign(viewer: Viewer, campaign_id: int, now: dt.datetime) -> GiftCampaignView:
    """One in scope. Raises NotFound."""
    rows = GiftCampaign.objects.select_related("mall")
    return _campaigns([load_visible(rows, campaign_id, viewer, VIEW, COLUMNS)], now)[0]


def gift_campaign_names(campaign_ids: Sequence[int]) -> dict[int, str]:
    return dict(GiftCampaign.objects.filter(id__in=campaign_ids).values_list("id", "name"))


def gift_item_names(item_ids: Sequence[int]) -> dict[int, str]:
    return dict(GiftItem.objects.filter(id__in=item_ids).values_list("id", "name"))


def _campaigns(rows: Sequence[GiftCampaign], now: dt.datetime) -> list[GiftCampaignView]:
    terms = {row.pk: terms_of(row) for row in rows}
    wanted = {step.item_id for one in terms.values() for step in one.steps}
    items = {one.id: one for one in _items(list(GiftItem.objects.filter(id__in=wanted)), now)}
    same = ("mall_id", "code", "name", "description", "starts_on", "ends_on", "collect_until", "end_reason")
    return [
        GiftCampaignView(
            id=row.pk,
            mall_name=row.mall.name,
            terms=terms[row.pk],
            steps=tuple(
                GiftStepView(at, step.threshold_fen, items[step.item_id])
                for at, step in enumerate(terms[row.pk].steps)
            ),
            state=_state(row, business_date(now, row.mall.time_zone)),
            **{name: getattr(row, name) for name in same},
        )
        for row in rows
    ]


def _state(row: GiftCampaign, today: dt.date) -> str:
    if row.status == GiftCampaign.Status.DRAFT:
        return "draft"
    if row.ended_at is not None:
        return "ended"
    if today < row.starts_on:
        return "early"
    if today <= row.ends_on:
        return "open"
    return "fetching" if today <= row.collect_until else "over"


def member_gifts(
    viewer: Viewer, member_id: int, now: dt.datetime, *, presented: bool = False, mall_id: int | None = None
) -> MemberGifts:
    """How far a member is in every campaign that gives gifts today, and the gifts they have or had lately.

    Raises MemberNotFound.
    """
    file = member_file(viewer, member_id, now, presented=presented)
    family, persons = family_of(file.member_id)
    running = GiftCampaign.objects.select_related("mall").filter(
        status=GiftCampaign.Status.PUBLISHED, ended_at=None, mall__group_id=file.programme.group_id,
        starts_on__lte=now.date() + dt.timedelta(days=1), collect_until__gte=now.date() - dt.timedelta(days=1),
    )  # fmt: skip
    if mall_id is not None:
        running = running.filter(mall_id=mall_id)
    mine = GiftRight.objects.filter(member_id__in=family)
    owes = mine.filter(state=State.OWED).exists()
    rows = list(running.order_by("ends_on", "id"))
    progress = []
    for row, view in zip(rows, _campaigns(rows, now), strict=True):
        found = _progress(row, view, mine, persons, owes, now)
        if found.baskets:
            progress.append(found)
    recent = Q(ended_at=None) | Q(ended_at__gte=now - ENDED_SHOWN)
    rights = _rights(mine.filter(recent).order_by("-id")[:50])
    return MemberGifts(progress, rights, owes)


def has_gifts(group_id: int, now: dt.datetime) -> bool:
    """Whether some mall of a group gives gifts for purchases, or did lately."""
    return GiftCampaign.objects.filter(
        mall__group_id=group_id,
        status=GiftCampaign.Status.PUBLISHED,
        collect_until__gte=(now - ENDED_SHOWN).date(),
    ).exists()


def _progress(
    row: GiftCampaign,
    view: GiftCampaignView,
    mine: QuerySet[GiftRight],
    persons: Sequence[int],
    owes: bool,
    now: dt.datetime,
) -> GiftProgress:
    terms, today = view.terms, business_date(now, row.mall.time_zone)
    counted = mine.filter(campaign=row, state__in=LIMITED)
    taken, taken_today = counted.count(), counted.filter(day=today).count()
    baskets = []
    for day in rules.open_baskets(terms, window_of(row), today):
        receipts = spent(persons, row, terms, spending.days_of(row, terms, day))
        if not receipts and day != today and terms.adds_up == "day":
            continue
        free = sum(one.free for one in receipts)
        steps = []
        for step in view.steps:
            refusal = rules.refusal(
                has_ended=row.ended_at is not None,
                owes=owes,
                taken=taken,
                taken_today=taken_today,
                left=step.item.left,
                left_today=step.item.left_today,
                terms=terms,
            )
            missing = max(0, step.threshold_fen - free)
            steps.append(StepNow(step, missing, refusal or ("spent" if missing else None)))
        fen, used = sum(one.fen for one in receipts), sum(min(one.fen, one.used) for one in receipts)
        baskets.append(Basket(day, fen, used, free, tuple(_counted(one) for one in receipts), tuple(steps)))
    return GiftProgress(view, tuple(baskets))


def _counted(one: spending.Receipt) -> CountedReceipt:
    return CountedReceipt(
        one.receipt_id, _merchant(one.merchant_id), one.number, one.day, one.net_fen, one.fen, min(one.fen, one.used),
        one.free, one.reason,
    )  # fmt: skip


def _merchant(merchant_id: int) -> str:
    found = organization.merchant_ref(merchant_id)
    return found.name if found else ""


def member_gift(viewer: Viewer, member_id: int, right_id: int, now: dt.datetime) -> GiftRightView:
    """One of a member's own. Raises NotFound."""
    file = member_file(viewer, member_id, now)
    family, _persons = family_of(file.member_id)
    found = _rights(GiftRight.objects.filter(member_id__in=family, id=right_id))
    if not found:
        raise NotFound
    return found[0]


def gift_by_code(viewer: Viewer, code: str) -> GiftRightView | None:
    """The gift somebody shows at a desk, in the viewer's scope. None for a code nobody knows."""
    require(viewer, SERVE)
    rows = visible(GiftRight.objects.filter(code=read_code(code)), viewer, SERVE, COLUMNS)
    return next(iter(_rights(rows)), None)


def gift_right(viewer: Viewer, right_id: int, permission: str = VIEW) -> GiftRightView:
    """One in scope. Raises NotFound."""
    row = load_visible(GiftRight.objects.all(), right_id, viewer, permission, COLUMNS)
    return _rights(GiftRight.objects.filter(pk=row.pk))[0]


def gift_rights_page(
    viewer: Viewer, campaign_id: int, *, state: str = "", cursor: str | None = None, limit: int = 50
) -> Listing[GiftRow]:
    """The rights of a campaign in scope, newest first, with masked names. Raises NotFound, BadCursor."""
    load_visible(GiftCampaign.objects.all(), campaign_id, viewer, VIEW, COLUMNS)
    rows = GiftRight.objects.filter(campaign_id=campaign_id)
    if state in State.values:
        rows = rows.filter(state=state)
    page = NEWEST.page(rows, cursor, limit)
    views = _rights(GiftRight.objects.filter(pk__in=[row.pk for row in page.items]).order_by("-id"))
    persons = person_ids_of([one.member_id for one in views])
    people = customers.summaries(list(set(persons.values())))
    found = [GiftRow(one, people[persons[one.member_id]].name) for one in views]
    return Listing(found, page.next_cursor, page.previous_cursor)


def _rights(rows: QuerySet[GiftRight]) -> list[GiftRightView]:
    found = list(rows.select_related("campaign", "item", "mall"))
    shares: dict[int, list[ReceiptShare]] = {}
    behind = list(GiftShare.objects.filter(right__in=[row.pk for row in found]))
    told = sales.receipt_names([one.receipt_id for one in behind])
    for one in behind:
        receipt = told.get(one.receipt_id)
        if receipt is not None:
            share = ReceiptShare(
                one.receipt_id, _merchant(receipt.merchant_id), receipt.number, receipt.business_date, one.fen
            )
            shares.setdefault(one.right_id, []).append(share)
    return [
        GiftRightView(
            id=row.pk,
            campaign_name=row.campaign.name,
            item_name=row.item.name,
            icon=row.item.icon,
            mall_name=row.mall.name,
            value_fen=row.item.value_fen,
            shares=tuple(sorted(shares.get(row.pk, ()), key=lambda one: (one.day, one.number))),
            **{name: getattr(row, name) for name in _SAME},
        )
        for row in found
    ]


_SAME = (
    "campaign_id", "item_id", "member_id", "mall_id", "code", "state", "threshold_fen", "basket", "cost_fen", "points",
    "source", "reserved_at", "collect_by", "handed_at", "due_on", "ended_at", "end_reason",
)  # fmt: skip


def gift_figures(viewer: Viewer, campaign_ids: Sequence[int]) -> dict[int, GiftFigures]:
    """What became of the rights of campaigns; the caller has loaded those in scope. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = GiftRight.objects.filter(campaign_id__in=campaign_ids)
    states: dict[int, dict[str, int]] = {}
    for campaign_id, state, number in (
        rows.order_by().values_list("campaign_id", "state").annotate(n=Count("id"))
    ):
        states.setdefault(campaign_id, {})[state] = number
    having = rows.filter(state__in=(*HAVING, State.CHARGED)).order_by()
    people = dict(having.values_list("campaign_id").annotate(n=Count("member_id", distinct=True)))
    costs: dict[int, dict[str, int]] = {}
    for row in having.values("campaign_id", "funding").annotate(fen=Sum("cost_fen")):
        shares = costs.setdefault(row["campaign_id"], {})
        for payer, part in shares_of(row["fen"], row["funding"]).items():
            shares[payer] = shares.get(payer, 0) + part
    behind = GiftShare.objects.filter(right__campaign_id__in=campaign_ids).order_by()
    fen = dict(behind.values_list("right__campaign_id").annotate(fen=Sum("fen")))
    return {
        one: GiftFigures(
            states.get(one, {}),
            people.get(one, 0),
            sum(costs.get(one, {}).values()),
            fen.get(one, 0),
            costs.get(one, {}),
        )
        for one in campaign_ids
    }


def gifts_of_receipt(viewer: Viewer, receipt_id: UUID) -> list[tuple[GiftRightView, int]]:
    """The gifts that fen of a receipt stand behind, with these fen; for whoever serves or looks after gifts in its mall.

    Raises NotAllowed.
    """
    require(viewer, VIEW)
    return _behind(receipt_id, visible(GiftRight.objects.all(), viewer, VIEW, COLUMNS))


def gifts_out(receipt_id: UUID) -> list[tuple[GiftRightView, int]]:
    """The same of the gifts that members have, for whoever takes goods back; they have loaded the receipt in scope."""
    return _behind(receipt_id, GiftRight.objects.filter(state__in=(State.HANDED_OUT, State.OWED)))


def _behind(receipt_id: UUID, rights: QuerySet[GiftRight]) -> list[tuple[GiftRightView, int]]:
    behind = dict(GiftShare.objects.filter(receipt_id=receipt_id).values_list("right_id", "fen"))
    if not behind:
        return []
    return [(one, behind[one.id]) for one in _rights(rights.filter(pk__in=behind).order_by("id"))]
