"""Lucky draws: what is promised, what was won, and everything one needs to compute each draw again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.codes import spoken
from zhike.kernel.errors import NotFound
from zhike.loyalty.queries import member_file, person_ids_of
from zhike.rewards.models import DrawHolding, DrawPrize, DrawTicket, LuckyDraw
from zhike.rewards.queries.catalogue import COLUMNS, VIEW
from zhike.rewards.queries.known import Places
from zhike.rewards.rules.exchange import QR_PREFIX, read_code

WINNERS = 20


@dataclass(frozen=True, slots=True)
class PrizeView:
    id: int
    name: str
    kind: str
    odds_ppm: int
    stock: int | None
    taken: int
    points: int
    value_fen: int
    coupon_batch_id: int | None
    is_fallback: bool

    @property
    def left(self) -> int | None:
        return None if self.stock is None else self.stock - self.taken

    @property
    def odds(self) -> float:
        """Of 1."""
        return self.odds_ppm / 1_000_000


@dataclass(frozen=True, slots=True)
class DrawView:
    """``state``: draft, early, open, over (its seed not published yet) or revealed."""

    id: int
    group_id: int
    mall_id: int | None
    code: str
    name: str
    description: str
    points: int
    daily_limit: int
    opens_at: dt.datetime
    closes_at: dt.datetime
    collect_days: int
    commitment: str
    digest: str
    revealed: str
    tickets: int
    state: str
    prizes: tuple[PrizeView, ...]


@dataclass(frozen=True, slots=True)
class TicketView:
    id: int
    draw_id: int
    draw_name: str
    number: int
    member_id: int
    prize: PrizeView
    has_run_out: bool
    code: str
    coupon_id: int | None
    drawn_at: dt.datetime
    collected_at: dt.datetime | None

    @property
    def payload(self) -> str:
        return QR_PREFIX + self.code

    @property
    def spoken_code(self) -> str:
        return spoken(self.code, 5)


@dataclass(frozen=True, slots=True)
class Winner:
    """A masked name, a prize, when."""

    name: str
    prize: str
    number: int
    drawn_at: dt.datetime


def _prize(row: DrawPrize) -> PrizeView:
    same = {name: getattr(row, name) for name in PrizeView.__dataclass_fields__ if name != "id"}
    return PrizeView(id=row.pk, **same)


def _view(row: LuckyDraw, prizes: list[DrawPrize], now: dt.datetime) -> DrawView:
    state: str = row.status
    if row.status == LuckyDraw.Status.PUBLISHED:
        state = "early" if now < row.opens_at else "open" if now < row.closes_at else "over"
    same = {
        name: getattr(row, name)
        for name in DrawView.__dataclass_fields__
        if name not in ("id", "state", "prizes")
    }
    return DrawView(id=row.pk, state=state, prizes=tuple(_prize(one) for one in prizes), **same)


def _views(rows: list[LuckyDraw], now: dt.datetime) -> list[DrawView]:
    by_draw: dict[int, list[DrawPrize]] = {row.pk: [] for row in rows}
    for prize in DrawPrize.objects.filter(draw_id__in=list(by_draw)).order_by("position"):
        by_draw[prize.draw_id].append(prize)
    return [_view(row, by_draw[row.pk], now) for row in rows]


def draws(viewer: Viewer, now: dt.datetime) -> list[DrawView]:
    """All in scope, and the whole group's, newest first."""
    require(viewer, VIEW)
    own = visible(LuckyDraw.objects.all(), viewer, VIEW, COLUMNS).values("pk")
    return _views(list(LuckyDraw.objects.filter(Q(pk__in=own) | Q(mall=None)).order_by("-id")[:200]), now)


def draw(viewer: Viewer, draw_id: int, now: dt.datetime) -> DrawView:
    """One in scope. Raises NotFound."""
    shared = LuckyDraw.objects.filter(pk=draw_id, mall=None).first() if viewer.may(VIEW) else None
    row = shared or load_visible(LuckyDraw.objects.all(), draw_id, viewer, VIEW, COLUMNS)
    return _views([row], now)[0]


def draw_names(draw_ids: list[int]) -> dict[int, str]:
    return dict(LuckyDraw.objects.filter(id__in=draw_ids).values_list("id", "name"))


def prize_names(prize_ids: list[int]) -> dict[int, str]:
    return dict(DrawPrize.objects.filter(id__in=prize_ids).values_list("id", "name"))


def member_draws(viewer: Viewer, member_id: int, now: dt.datetime) -> list[DrawView]:
    """The published draws of the member's group, those that are open first. Raises MemberNotFound."""
    file = member_file(viewer, member_id, now)
    rows = LuckyDraw.objects.filter(group_id=file.programme.group_id).exclude(status="draft").order_by("-id")
    return sorted(_views(list(rows[:20]), now), key=lambda one: one.state != "open")


def member_draw(viewer: Viewer, member_id: int, draw_id: int, now: dt.datetime) -> tuple[DrawView, int]:
    """A published draw in front of a member, and how often they may still draw today. Raises NotFound."""
    file = member_file(viewer, member_id, now)
    row = (
        LuckyDraw.objects.filter(id=draw_id, group_id=file.programme.group_id).exclude(status="draft").first()
    )
    if row is None:
        raise NotFound
    day = Places(now).today(row.mall_id)
    held = DrawHolding.objects.filter(draw=row, member_id=member_id, day=day).first()
    return _views([row], now)[0], row.daily_limit - (held.taken if held else 0)


def _tickets() -> Any:
    return DrawTicket.objects.select_related("draw", "prize")


def _ticket(row: DrawTicket) -> TicketView:
    return TicketView(
        row.pk,
        row.draw_id,
        row.draw.name,
        row.number,
        row.member_id,
        _prize(row.prize),
        row.drawn_id != row.prize_id,
        row.code,
        row.coupon_id,
        row.drawn_at,
        row.collected_at,
    )


def member_tickets(viewer: Viewer, member_id: int, draw_id: int, now: dt.datetime) -> list[TicketView]:
    """A member's own, newest first. Raises MemberNotFound."""
    member_file(viewer, member_id, now)
    rows = _tickets().filter(member_id=member_id, draw_id=draw_id).order_by("-id")[:50]
    return [_ticket(row) for row in rows]


def member_ticket(viewer: Viewer, member_id: int, ticket_id: int, now: dt.datetime) -> TicketView:
    """One of a member's own. Raises NotFound."""
    member_file(viewer, member_id, now)
    row = _tickets().filter(member_id=member_id, id=ticket_id).first()
    if row is None:
        raise NotFound
    return _ticket(row)


def ticket_by_code(viewer: Viewer, code: str) -> TicketView | None:
    """The prize somebody shows at a desk, in the viewer's scope. None for a code nobody knows."""
    require(viewer, "rewards.serve")
    rows = visible(_tickets(), viewer, "rewards.serve", {"mall": "draw__mall_id"})
    row = rows.filter(code=read_code(code), prize__kind="goods").first()
    return _ticket(row) if row else None


def ticket(viewer: Viewer, ticket_id: int) -> TicketView:
    """One in the scope of a desk. Raises NotFound."""
    rows = visible(_tickets(), viewer, "rewards.serve", {"mall": "draw__mall_id"})
    row = rows.filter(id=ticket_id).first()
    if row is None:
        raise NotFound
    return _ticket(row)


def winners(draw_id: int) -> list[Winner]:
    """Who won something else than the prize that never runs out, newest first; names masked, for everybody to see."""
    rows = list(
        DrawTicket.objects.filter(draw_id=draw_id, prize__is_fallback=False)
        .select_related("prize")
        .order_by("-id")[:WINNERS]
    )
    persons = person_ids_of([row.member_id for row in rows])
    people = customers.summaries(list(set(persons.values())))
    return [
        Winner(
            customers.masked_field("name", people[persons[row.member_id]].name) or "",
            row.prize.name,
            row.number,
            row.drawn_at,
        )
        for row in rows
    ]


def draw_record(draw_id: int) -> dict[str, Any]:
    """The whole draw for everybody to compute again, without any person: see tools/verify_draw.py. Raises NotFound.

    Rolls and prizes of single tickets are in it once the seed is published.
    """
    row = LuckyDraw.objects.filter(id=draw_id).exclude(status="draft").first()
    if row is None:
        raise NotFound
    prizes = list(DrawPrize.objects.filter(draw=row).order_by("position"))
    places = {one.pk: place for place, one in enumerate(prizes)}
    tickets = DrawTicket.objects.filter(draw=row).order_by("number") if row.revealed else []
    return {
        "code": row.code,
        "name": row.name,
        "digest": row.digest,
        "commitment": row.commitment,
        "seed": row.revealed,
        "drawn": row.tickets,
        "prizes": [
            {"name": one.name, "odds_ppm": one.odds_ppm, "stock": one.stock, "fallback": one.is_fallback}
            for one in prizes
        ],
        "tickets": [
            {
                "number": one.number,
                "nonce": one.nonce,
                "roll": one.roll,
                "drawn": places[one.drawn_id],
                "prize": places[one.prize_id],
            }
            for one in tickets
        ],
    }
