"""Rights to gifts: reserved for fen that were spent, handed out once, let go."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import Conflict, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards.events import GiftHandedOut, GiftReserved
from zhike.rewards.models import GiftCampaign, GiftDay, GiftItem, GiftRight, GiftShare
from zhike.rewards.operations._gift_rights import GiftOutcome, about, count, let_go, locked, record
from zhike.rewards.operations.exchanging import EXCHANGE, new_code
from zhike.rewards.operations.gift_plans import GiftCampaignNotFound
from zhike.rewards.operations.gift_returns import review_purse
from zhike.rewards.operations.orders import SERVE
from zhike.rewards.queries import spending
from zhike.rewards.queries.known import zone_of
from zhike.rewards.rules import gifts as rules

State = GiftRight.State


class SpentTooLittle(Conflict):
    code = "gift-spent-too-little"
    title = _("¥%(missing)s more is needed for this gift.")


class GiftCampaignOver(Conflict):
    code = "gift-campaign-over"
    title = _("This campaign gives no gifts now.")


class GiftsOwed(Conflict):
    code = "gift-owed"
    title = _("A gift has to be brought back first, for goods that were returned.")


class GiftLimit(Conflict):
    code = "gift-limit"
    title = _("The member has had as many gifts of this campaign as one may.")


class GiftLimitToday(Conflict):
    code = "gift-limit-today"
    title = _("The member has had as many gifts today as one may.")


class GiftsGone(Conflict):
    code = "gifts-gone"
    title = _("None of this gift are left.")


class GiftsGoneToday(Conflict):
    code = "gifts-gone-today"
    title = _("None of this gift are left today.")


class GiftMoved(Conflict):
    code = "gift-moved"
    title = _("This gift is no longer waiting to be fetched.")


class GiftTooLate(Conflict):
    code = "gift-too-late"
    title = _("The time to fetch this gift is over.")


_REFUSALS: dict[str, type[Problem]] = {
    "ended": GiftCampaignOver,
    "owed": GiftsOwed,
    "limit": GiftLimit,
    "limit_day": GiftLimitToday,
    "stock": GiftsGone,
    "stock_day": GiftsGoneToday,
}


@transaction.atomic
def reserve_gift(
    *,
    actor: Viewer,
    member_id: int,
    campaign_id: int,
    step: int,
    now: dt.datetime,
    basket: dt.date | None = None,
    source: str = "member",
    hand_out: bool = False,
) -> GiftOutcome:
    """Give a member the right to the gift of a step (counted from 0), and with ``hand_out`` the gift itself.

    The oldest receipts of the basket (None: today's, or the campaign's) that are still free make up the threshold to the
    fen. The member's account is held, then the gift: neither a fen nor a piece is given twice, however many ask at once.
    Raises GiftCampaignNotFound, GiftCampaignOver, SpentTooLittle, GiftsOwed, GiftLimit, GiftLimitToday, GiftsGone,
    GiftsGoneToday, MemberFrozen, MemberNotFound, NotAllowed.
    """
    row = GiftCampaign.objects.filter(id=campaign_id, status=GiftCampaign.Status.PUBLISHED).first()
    if row is None:
        raise GiftCampaignNotFound
    owner = members.membership(members.owner_id_of(member_id))
    require_touch(actor, SERVE if hand_out else EXCHANGE, mall=row.mall_id, person=owner.person_id)
    loyalty.lock_accounts(actor=actor, member_ids=[owner.member_id])
    if owner.status != "active":
        raise loyalty.MemberFrozen
    terms, today = spending.terms_of(row), business_date(now, zone_of(row.mall_id))
    open_now = rules.open_baskets(terms, spending.window_of(row), today)
    wanted = basket or (open_now[0] if open_now else None)
    if wanted is None or wanted not in open_now or not 0 <= step < len(terms.steps):
        raise GiftCampaignOver
    review_purse(actor, owner.member_id, spending.purse_of(row, terms), row.mall_id, now)
    family, persons = spending.family_of(owner.member_id)
    if GiftRight.objects.filter(member_id__in=family, state=State.OWED).exists():
        raise GiftsOwed
    receipts = spending.spent(persons, row, terms, spending.days_of(row, terms, wanted))
    threshold = terms.steps[step].threshold_fen
    shares = rules.cover(threshold, [(one.receipt_id, one.free) for one in receipts])
    if shares is None:
        missing = threshold - sum(one.free for one in receipts)
        raise SpentTooLittle(missing=f"{missing / 100:,.2f}")
    item = _taken(row, terms, terms.steps[step].item_id, family, today)
    last = rules.collect_until(terms, spending.window_of(row), today)
    right = GiftRight.objects.create(
        campaign=row, item=item, member_id=owner.member_id, mall_id=row.mall_id, code=new_code(), state=State.RESERVED,
        purse=spending.purse_of(row, terms), threshold_fen=threshold, basket=wanted, day=today, cost_fen=item.cost_fen,
        points=item.points, funding=item.funding, source=source[:20], reserved_at=now, reserved_by=actor.audit_id,
        collect_by=day_bounds(last, zone_of(row.mall_id))[1],
    )  # fmt: skip
    GiftShare.objects.bulk_create(
        GiftShare(right=right, receipt_id=receipt_id, fen=fen) for receipt_id, fen in shares.items()
    )
    fact = GiftReserved(*about(right, owner.person_id), threshold, right.collect_by)
    events.publish(fact, actor=actor, now=now)
    if hand_out:
        _hand_out(actor, right, owner.person_id, now)
    return GiftOutcome(right.pk, right.code, right.state)


def _taken(
    row: GiftCampaign, terms: rules.GiftTerms, item_id: int, family: list[int], today: dt.date
) -> GiftItem:
    """One piece of the gift, which is held from here to the end. Raises what refuses it."""
    item = GiftItem.objects.select_for_update(of=("self",)).get(id=item_id)
    mine = GiftRight.objects.filter(member_id__in=family)
    counted = mine.filter(campaign=row, state__in=spending.LIMITED)
    gone_today = GiftDay.objects.filter(item=item, day=today).values_list("taken", flat=True).first() or 0
    refusal = rules.refusal(
        has_ended=row.ended_at is not None,
        owes=False,
        taken=counted.count(),
        taken_today=counted.filter(day=today).count(),
        left=item.stock - item.taken,
        left_today=item.per_day - gone_today if item.per_day else None,
        terms=terms,
    )
    if refusal is not None:
        raise _REFUSALS[refusal]
    count(item.pk, today, 1)
    return item


@transaction.atomic
def hand_out_gift(*, actor: Viewer, right_id: int, now: dt.datetime) -> GiftOutcome:
    """Hand a reserved gift over to whoever showed its code. Once: again, nothing happens and it says so.

    Before that the receipts are looked at again: goods may have come back a moment ago. Then the right is revoked, which
    the outcome's state says. Raises GiftRightNotFound, GiftMoved, GiftTooLate, NotAllowed.
    """
    right = locked(right_id)
    require_touch(actor, SERVE, mall=right.mall_id)
    if right.state in (State.HANDED_OUT, State.OWED):
        return GiftOutcome(right.pk, right.code, right.state, replayed=True)
    if right.state != State.RESERVED:
        raise GiftMoved
    if now >= right.collect_by:
        raise GiftTooLate
    review_purse(actor, right.member_id, right.purse, right.mall_id, now)
    right.refresh_from_db()
    if right.state == State.RESERVED:
        _hand_out(actor, right, members.person_id_of(right.member_id), now)
    return GiftOutcome(right.pk, right.code, right.state)


def _hand_out(actor: Viewer, right: GiftRight, person_id: int, now: dt.datetime) -> None:
    right.state, right.handed_at, right.handed_by = State.HANDED_OUT, now, actor.audit_id
    right.save(update_fields=["state", "handed_at", "handed_by"])
    record(actor, "hand_out", right, now)
    events.publish(GiftHandedOut(*about(right, person_id), right.cost_fen), actor=actor, now=now)


@transaction.atomic
def cancel_gift(*, actor: Viewer, right_id: int, now: dt.datetime) -> GiftOutcome:
    """A member gives a reserved gift up, to save for a better one; its fen are free again.

    Raises GiftRightNotFound, GiftMoved, NotAllowed.
    """
    right = locked(right_id)
    person_id = members.person_id_of(members.owner_id_of(right.member_id))
    require_touch(actor, EXCHANGE, mall=right.mall_id, person=person_id)
    if right.state == State.CANCELLED:
        return GiftOutcome(right.pk, right.code, right.state, replayed=True)
    if right.state != State.RESERVED:
        raise GiftMoved
    let_go(actor, right, State.CANCELLED, now)
    record(actor, "cancel", right, now)
    return GiftOutcome(right.pk, right.code, right.state)
