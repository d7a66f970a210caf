"""Exchange orders: a member's own with its code, the desk's list, one in full."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from django.db.models import Count, Q, QuerySet

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.codes import spoken
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.queries import member_file, person_ids_of
from zhike.rewards.models import ExchangeOrder, Reward, RewardCode
from zhike.rewards.queries.bought import last_day_of, may_go_back
from zhike.rewards.queries.catalogue import VIEW
from zhike.rewards.queries.known import CODE_FIELD
from zhike.rewards.rules import exchange as rules

SERVE = "rewards.serve"
COLUMNS = {"mall": "mall_id"}
NEWEST = Keyset((("id", "desc"),))
EXPORT_BATCH = 2_000
WON = "auction"
"""The source of an order that was won: a bid binds its member."""


def number_of(order_id: int) -> str:
    return f"DH{order_id:08d}"


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its member and the desk see it. ``code`` is shown to be handed over."""

    id: int
    reward_id: int
    reward_name: str
    kind: str
    icon: str
    tone: str
    picture: str
    place: str
    member_id: int
    mall_id: int
    mall_name: str
    code: str
    state: str
    quantity: int
    points: int
    cash_fen: int
    cost_fen: int
    returned: int
    tender: str
    source: str
    coupon_id: int | None
    ordered_at: dt.datetime
    ordered_by: str
    ready_at: dt.datetime | None
    collect_by: dt.datetime | None
    collected_at: dt.datetime | None
    collected_by: str
    ended_at: dt.datetime | None
    ended_by: str
    end_reason: str
    starts_at: dt.datetime | None
    description: str
    member_may_cancel: bool
    tier_until: dt.date | None
    """The last day of a tier."""

    @property
    def number(self) -> str:
        """What people call it; no secret."""
        return number_of(self.id)

    @property
    def spoken_code(self) -> str:
        return spoken(self.code, 5)

    @property
    def payload(self) -> str:
        """What the QR of the code says."""
        return rules.QR_PREFIX + self.code

    @property
    def last_moment(self) -> dt.datetime | None:
        """The last second it can be collected."""
        return self.collect_by - dt.timedelta(seconds=1) if self.collect_by else None

    @property
    def is_open(self) -> bool:
        return self.state in ("reserved", "ready")

    @property
    def is_collected_by_hand(self) -> bool:
        """At a desk, not in the moment it was exchanged."""
        return self.state == "collected" and self.kind not in rules.AT_ONCE

    @property
    def left(self) -> int:
        """Pieces that did not come back."""
        return self.quantity - self.returned


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order in a list, with the member's name."""

    order: OrderView
    name: str


def order_view(row: ExchangeOrder) -> OrderView:
    reward = row.reward
    return OrderView(
        id=row.pk,
        reward_id=reward.pk,
        reward_name=reward.name,
        kind=reward.kind,
        icon=reward.icon or reward.category.icon,
        tone=reward.category.tone,
        picture=reward.picture,
        place=reward.place,
        mall_name=row.mall.name,
        starts_at=reward.starts_at,
        description=reward.description,
        tier_until=last_day_of(row),
        member_may_cancel=rules.may_cancel(
            row.state,
            reward.kind,
            by_member=True,
            member_may=reward.member_may_cancel and row.source != WON,
            has_started=False,
        ),
        **{name: getattr(row, name) for name in _SAME},
    )


_SAME = (
    "member_id", "mall_id", "code", "state", "quantity", "points", "cash_fen", "cost_fen", "returned", "tender", "source",
    "coupon_id", "ordered_at", "ordered_by", "ready_at", "collect_by", "collected_at", "collected_by", "ended_at",
    "ended_by", "end_reason",
)  # fmt: skip


def _rows() -> QuerySet[ExchangeOrder]:
    return ExchangeOrder.objects.select_related("reward__category", "mall", "tier_grant")


def member_orders(
    viewer: Viewer,
    member_id: int,
    now: dt.datetime,
    *,
    open_only: bool | None = None,
    presented: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Listing[OrderView]:
    """A member's orders, newest first; ``open_only`` those that wait, or (False) the others. Raises MemberNotFound."""
    member_file(viewer, member_id, now, presented=presented)
    rows = _rows().filter(member_id=member_id)
    waiting = Q(state__in=("reserved", "ready"))
    if open_only is not None:
        rows = rows.filter(waiting if open_only else ~waiting)
    page = NEWEST.page(rows, cursor, limit)
    return Listing([order_view(row) for row in page.items], page.next_cursor, page.previous_cursor)


def member_order(viewer: Viewer, member_id: int, order_id: int, now: dt.datetime) -> OrderView:
    """One of a member's own. Raises NotFound."""
    member_file(viewer, member_id, now)
    row = _rows().filter(member_id=member_id, id=order_id).first()
    if row is None:
        raise NotFound
    found = order_view(row)
    if found.member_may_cancel and found.kind == Reward.Kind.TIER:
        return replace(found, member_may_cancel=may_go_back(row, now))
    return found


def code_of_order(viewer: Viewer, member_id: int, order_id: int, now: dt.datetime) -> str:
    """The partner's code that a member's own order is for; "" when it is for none. Raises NotFound."""
    member_order(viewer, member_id, order_id, now)
    row = RewardCode.objects.filter(order_id=order_id).first()
    return "" if row is None else crypto.decrypt(bytes(row.value), field=CODE_FIELD, row=row.pk)


def order_by_code(viewer: Viewer, code: str) -> OrderView | None:
    """The order somebody shows at a desk, in the viewer's scope. None for a code nobody knows."""
    require(viewer, SERVE)
    rows = visible(_rows(), viewer, SERVE, COLUMNS)
    row = rows.filter(code=rules.read_code(code)).first()
    return order_view(row) if row else None


def looks_like_order_code(text: str) -> bool:
    """Whether a scanned or typed text is a pick-up code of ours, by its check character."""
    return rules.is_code(rules.read_code(text))


def order(viewer: Viewer, order_id: int) -> OrderRow:
    """One order in scope. Raises NotFound."""
    return _named([order_view(load_visible(_rows(), order_id, viewer, VIEW, COLUMNS))])[0]


def orders_page(
    viewer: Viewer,
    *,
    mall_id: int | None = None,
    reward_id: int | None = None,
    member_id: int | None = None,
    state: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[OrderRow]:
    """Orders in scope, newest first; ``q`` is an order number, a pick-up code or a part of the reward's name.

    Raises BadCursor.
    """
    rows = _filtered(viewer, mall_id, reward_id, member_id, state, q)
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing(_named([order_view(row) for row in page.items]), page.next_cursor, page.previous_cursor)


def _filtered(
    viewer: Viewer, mall_id: int | None, reward_id: int | None, member_id: int | None, state: str, q: str
) -> QuerySet[ExchangeOrder]:
    rows = visible(_rows(), viewer, VIEW, COLUMNS)
    wanted = {"mall_id": mall_id, "reward_id": reward_id, "member_id": member_id, "state": state or None}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    if q:
        number = q.upper().removeprefix("DH")
        by_number = Q(id=int(number)) if number.isascii() and number.isdecimal() and len(number) < 16 else Q()
        rows = rows.filter(by_number | Q(code=rules.read_code(q)) | Q(reward__name__icontains=q))
    return rows


def order_counts(viewer: Viewer, mall_id: int | None = None) -> Mapping[str, int]:
    """How many orders stand in each state, in scope."""
    rows = visible(ExchangeOrder.objects.all(), viewer, VIEW, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    return dict(rows.values_list("state").annotate(n=Count("id")))


def orders_for_export(
    viewer: Viewer, *, mall_id: int | None = None, state: str = "", q: str = ""
) -> Iterator[OrderRow]:
    """The same rows as the list, all of them, oldest first, read by pieces."""
    rows = _filtered(viewer, mall_id, None, None, state, q).order_by("id")
    last = 0
    while True:
        piece = [order_view(row) for row in rows.filter(id__gt=last)[:EXPORT_BATCH]]
        if not piece:
            return
        yield from _named(piece)
        last = piece[-1].id


def _named(orders: list[OrderView]) -> list[OrderRow]:
    persons = person_ids_of([one.member_id for one in orders])
    people = customers.summaries(list(set(persons.values())))
    return [OrderRow(one, people[persons[one.member_id]].name) for one in orders]
