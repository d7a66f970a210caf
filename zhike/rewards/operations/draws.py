"""Lucky draws: written, published for good, drawn from, revealed; and prizes handed over."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers
from zhike.rewards.events import DrawPublished, DrawRevealed, PrizeCollected, TicketDrawn
from zhike.rewards.models import DrawPrize, DrawTicket, LuckyDraw
from zhike.rewards.operations._words import GIVER
from zhike.rewards.operations.catalogue import EDIT, CodeTaken
from zhike.rewards.operations.exchanging import EXCHANGE, new_code
from zhike.rewards.operations.orders import SERVE
from zhike.rewards.queries.known import SEED_FIELD, zone_of
from zhike.rewards.rules import draws as rules

NONCE_MAX = 64
PRIZES_MAX = 12
Status = LuckyDraw.Status


class DrawNotFound(NotFound):
    code = "draw-not-found"
    title = _("There is no such draw.")


class DrawUnusable(Invalid):
    code = "draw-unusable"
    title = _("A draw cannot be like this.")


class PrizesUnusable(Invalid):
    code = "draw-prizes-unusable"
    title = _("%(why)s")


class DrawIsPublished(Conflict):
    code = "draw-published"
    title = _("A published draw cannot be changed.")


class DrawClosed(Conflict):
    code = "draw-closed"
    title = _("This draw is not open.")


class DrawnEnough(Conflict):
    code = "draw-limit-reached"
    title = _("You have drawn as often as one may today.")


class TicketNotFound(NotFound):
    code = "draw-ticket-not-found"
    title = _("There is no such prize.")


_FAULTS = {
    "odds": _("The odds must sum to 100%."),
    "fallback": _("There must be exactly one prize that never runs out."),
    "stock": _("Every prize but the one that never runs out needs a stock."),
    "top-prize": _("By law no prize may be worth more than ¥50,000."),
    "value": _("Every prize needs its market value, and points need a number."),
}


@dataclass(frozen=True, slots=True)
class NewPrize:
    """``stock`` None: the prize that never runs out (保底)."""

    name: str
    kind: str
    odds_ppm: int
    stock: int | None
    value_fen: int
    points: int = 0
    coupon_batch_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewDraw:
    code: str
    name: str
    points: int
    daily_limit: int
    opens_at: dt.datetime
    closes_at: dt.datetime
    prizes: Sequence[NewPrize]
    description: str = ""
    collect_days: int = 14


@dataclass(frozen=True, slots=True)
class Drawn:
    ticket_id: int
    number: int
    prize_name: str
    is_fallback: bool
    balance: int


@transaction.atomic
def save_draw(
    *, actor: Viewer, group_id: int, draw: NewDraw, now: dt.datetime, mall_id: int | None = None
) -> int:
    """Write a draft, or the one with this code anew; its id. What is wrong with the prizes is said when it is published.

    Raises DrawUnusable, DrawIsPublished, CodeTaken (another mall's), NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    right = (
        0 < len(draw.code.strip()) <= 40
        and 0 < len(draw.name.strip()) <= 60
        and 0 < draw.points <= 1_000_000
        and 0 < draw.daily_limit <= 100
        and draw.opens_at < draw.closes_at
        and 1 <= draw.collect_days <= 365
        and 0 < len(draw.prizes) <= PRIZES_MAX
        and all(one.kind in DrawPrize.Kind.values and one.name.strip() for one in draw.prizes)
        and all((one.coupon_batch_id is not None) == (one.kind == "coupon") for one in draw.prizes)
    )
    if not right:
        raise DrawUnusable
    row = LuckyDraw.objects.select_for_update(of=("self",)).filter(code=draw.code.strip()).first()
    if row is not None and (row.group_id, row.mall_id) != (group_id, mall_id):
        raise CodeTaken
    if row is not None and row.status != Status.DRAFT:
        raise DrawIsPublished
    row = row or LuckyDraw(
        group_id=group_id, mall_id=mall_id, code=draw.code.strip(), created_at=now, created_by=actor.audit_id
    )
    for name in ("points", "daily_limit", "opens_at", "closes_at", "description", "collect_days"):
        setattr(row, name, getattr(draw, name))
    row.name = draw.name.strip()
    row.save()
    DrawPrize.objects.filter(draw=row).delete()
    DrawPrize.objects.bulk_create(
        DrawPrize(
            draw=row,
            position=position,
            name=one.name.strip()[:60],
            kind=one.kind,
            odds_ppm=one.odds_ppm,
            stock=one.stock,
            points=one.points,
            value_fen=one.value_fen,
            coupon_batch_id=one.coupon_batch_id,
            is_fallback=one.stock is None,
        )
        for position, one in enumerate(draw.prizes)
    )
    audit.record(actor=actor, action="draw.save", subject=("draw", row.pk), after={"name": row.name}, now=now)
    return row.pk


@transaction.atomic
def publish_draw(*, actor: Viewer, draw_id: int, now: dt.datetime) -> str:
    """From now on nothing of it changes; the commitment to its secret seed. Again: the same.

    Raises DrawNotFound, PrizesUnusable (says what is wrong), NotAllowed.
    """
    row = _locked(draw_id)
    require_touch(actor, EDIT, mall=row.mall_id)
    if row.status != Status.DRAFT:
        return row.commitment
    prizes = _prizes(row)
    wrong = rules.faults(prizes)
    if wrong or row.closes_at <= now:
        why = _FAULTS[wrong[0]] if wrong else _("It would be over already.")
        raise PrizesUnusable(why=str(why))
    seed = secrets.token_bytes(32)
    terms = {
        "code": row.code,
        "name": row.name,
        "points": row.points,
        "daily_limit": row.daily_limit,
        "opens_at": row.opens_at.isoformat(),
        "closes_at": row.closes_at.isoformat(),
    }
    row.seed = crypto.encrypt(seed.hex(), field=SEED_FIELD, row=row.pk)
    row.commitment, row.digest = rules.commitment(seed), rules.digest(terms, prizes)
    row.status, row.published_at = Status.PUBLISHED, now
    row.save(update_fields=["seed", "commitment", "digest", "status", "published_at"])
    audit.record(
        actor=actor,
        action="draw.publish",
        subject=("draw", draw_id),
        after={"commitment": row.commitment, "digest": row.digest},
        now=now,
    )
    events.publish(DrawPublished(draw_id, row.commitment, row.digest), actor=actor, now=now)
    return row.commitment


def _locked(draw_id: int) -> LuckyDraw:
    row = LuckyDraw.objects.select_for_update(of=("self",)).filter(id=draw_id).first()
    if row is None:
        raise DrawNotFound
    return row


def _prizes(row: LuckyDraw) -> list[rules.Prize]:
    return [
        rules.Prize(one.name, one.kind, one.odds_ppm, one.stock, one.value_fen, one.points, one.is_fallback)
        for one in DrawPrize.objects.filter(draw=row).order_by("position")
    ]


@transaction.atomic
def draw_ticket(*, actor: Viewer, member_id: int, draw_id: int, nonce: str, now: dt.datetime) -> Drawn:
    """Spend the points and draw; the prize is the member's at once, or waits for them with its code.

    ``nonce`` is the member's part of the roll. Every ticket gives something: a prize that has run out is replaced by the
    one that never does. Numbers have no gap and stocks are exact, however many draw at once: the draw's row is held from
    the number to the end. Raises DrawNotFound, DrawClosed, DrawnEnough, InsufficientPoints, MemberFrozen, NotAllowed.
    """
    row = LuckyDraw.objects.filter(id=draw_id).exclude(status=Status.DRAFT).first()
    if row is None:
        raise DrawNotFound
    person_id = members.person_id_of(member_id)
    require_touch(actor, EXCHANGE, mall=row.mall_id, person=person_id)
    if row.status != Status.PUBLISHED or not row.opens_at <= now < row.closes_at:
        raise DrawClosed
    nonce = nonce.strip()[:NONCE_MAX]
    spent = loyalty.spend_points(
        actor=actor, member_id=member_id, points=row.points, purpose=f"draw:{row.code}", now=now
    )
    _count(row, member_id, business_date(now, zone_of(row.mall_id)))
    number = _next_number(draw_id)
    seed = bytes.fromhex(crypto.decrypt(bytes(row.seed), field=SEED_FIELD, row=row.pk))
    roll = rules.roll_of(seed, row.code, number, nonce)
    prizes = list(DrawPrize.objects.filter(draw=row).order_by("position"))
    drawn = prizes[rules.place_of(roll, [one.odds_ppm for one in prizes])]
    prize = drawn if _take(drawn) else next(one for one in prizes if one.is_fallback)
    if prize is not drawn:
        _take(prize)
    ticket = DrawTicket.objects.create(
        draw=row,
        number=number,
        member_id=member_id,
        nonce=nonce,
        roll=roll,
        drawn=drawn,
        prize=prize,
        redemption_id=spent.redemption_id,
        code=new_code(),
        drawn_at=now,
    )
    balance = _give(row, prize, ticket, member_id, spent.balance, now)
    fact = TicketDrawn(draw_id, ticket.pk, prize.pk, member_id, person_id, row.points)
    events.publish(fact, actor=actor, now=now)
    return Drawn(ticket.pk, number, prize.name, prize.is_fallback, balance)


def _count(row: LuckyDraw, member_id: int, day: dt.date) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO rewards_drawholding AS h (draw_id, member_id, day, taken) VALUES (%s, %s, %s, 1)
            ON CONFLICT (draw_id, member_id, day) DO UPDATE SET taken = h.taken + 1 WHERE h.taken < %s
            RETURNING taken""",
            [row.pk, member_id, day, row.daily_limit],
        )
        if cursor.fetchone() is None:
            raise DrawnEnough


def _next_number(draw_id: int) -> int:
    """The draw's row is held from here to the end, so tickets are drawn one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rewards_luckydraw SET tickets = tickets + 1 WHERE id = %s AND status = 'published'"
            " RETURNING tickets",
            [draw_id],
        )
        found = cursor.fetchone()
    if found is None:
        raise DrawClosed
    return int(found[0])


def _take(prize: DrawPrize) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rewards_drawprize SET taken = taken + 1 WHERE id = %s AND (stock IS NULL OR taken < stock)",
            [prize.pk],
        )
        return bool(cursor.rowcount)


def _give(
    row: LuckyDraw, prize: DrawPrize, ticket: DrawTicket, member_id: int, balance: int, now: dt.datetime
) -> int:
    """What is had at once is given at once; the balance after it."""
    if prize.kind == DrawPrize.Kind.POINTS:
        given = loyalty.award_points(
            actor=GIVER,
            member_id=member_id,
            points=prize.points,
            reason="prize",
            reference=f"draw:{row.pk}:{ticket.number}",
            explanation={"draw": row.code, "ticket": ticket.number, "prize": prize.name},
            now=now,
        )
        balance = given.balance
    if prize.kind == DrawPrize.Kind.COUPON and prize.coupon_batch_id is not None:
        issued = offers.give_coupon(
            actor=GIVER,
            batch_id=prize.coupon_batch_id,
            member_id=member_id,
            source="rewards",
            reference=f"draw:{row.pk}:{ticket.number}",
            now=now,
        )
        ticket.coupon_id = issued.coupon_id
    if prize.kind != DrawPrize.Kind.GOODS:
        ticket.collected_at, ticket.collected_by = now, GIVER.audit_id
        ticket.save(update_fields=["coupon", "collected_at", "collected_by"])
    return balance


@transaction.atomic
def collect_prize(*, actor: Viewer, ticket_id: int, now: dt.datetime) -> bool:
    """Hand the goods over; False when they were before. Raises TicketNotFound, NotAllowed."""
    ticket = (
        DrawTicket.objects.select_for_update(of=("self",)).select_related("draw").filter(id=ticket_id).first()
    )
    if ticket is None:
        raise TicketNotFound
    require_touch(actor, SERVE, mall=ticket.draw.mall_id)
    if ticket.collected_at is not None:
        return False
    ticket.collected_at, ticket.collected_by = now, actor.audit_id
    ticket.save(update_fields=["collected_at", "collected_by"])
    person_id = members.person_id_of(ticket.member_id)
    audit.record(
        actor=actor,
        action="draw.collect",
        subject=("draw", ticket.draw_id),
        after={"ticket": ticket.number},
        now=now,
    )
    fact = PrizeCollected(ticket.draw_id, ticket.pk, ticket.prize_id, ticket.member_id, person_id)
    events.publish(fact, actor=actor, now=now)
    return True


def reveal_draws(*, actor: Viewer, now: dt.datetime) -> int:
    """Publish the seeds of the draws that are over; how many. Can be run again at any time."""
    require(actor, EDIT)
    due = LuckyDraw.objects.filter(status=Status.PUBLISHED, closes_at__lte=now).values_list("id", flat=True)
    return sum(_reveal(actor, draw_id, now) for draw_id in list(due))


@transaction.atomic
def _reveal(actor: Viewer, draw_id: int, now: dt.datetime) -> int:
    row = _locked(draw_id)
    if row.status != Status.PUBLISHED or row.closes_at > now:
        return 0
    row.revealed = crypto.decrypt(bytes(row.seed), field=SEED_FIELD, row=row.pk)
    row.status, row.revealed_at = Status.REVEALED, now
    row.save(update_fields=["revealed", "status", "revealed_at"])
    events.publish(DrawRevealed(draw_id, row.revealed, row.tickets), actor=actor, now=now)
    return 1
