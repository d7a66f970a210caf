"""Goods come back, so gifts may have to: looked at again, asked back, taken back, charged; and what nobody fetched ends."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import Conflict
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards.events import GiftAskedBack, GiftCharged, GiftKept, GiftTakenBack
from zhike.rewards.models import GiftRight, GiftShare
from zhike.rewards.operations import notices
from zhike.rewards.operations._gift_rights import GiftOutcome, about, count, let_go, locked, record
from zhike.rewards.operations._words import GIVER, ReasonMissing
from zhike.rewards.operations.catalogue import EDIT
from zhike.rewards.operations.orders import SERVE
from zhike.rewards.queries import spending
from zhike.rewards.queries.known import zone_of
from zhike.rewards.rules import gifts as rules

State = GiftRight.State
WHY_CHARGED = "gift-not-brought-back"
WHY_RETURNED = "gift-brought-back"


class GiftNotOut(Conflict):
    code = "gift-not-out"
    title = _("The member does not have this gift.")


class GiftNotOwed(Conflict):
    code = "gift-not-owed"
    title = _("This gift does not have to come back.")


@transaction.atomic
def review_gifts(*, actor: Viewer, person_id: int, now: dt.datetime) -> int:
    """Look again what stands behind a person's gifts, after they bought or returned something; how many rights changed.

    A reserved gift that is no longer covered is revoked. One that was handed out is asked back, until the date its campaign
    says; when more is bought in time it may stay. It reads everything anew, so it can be run in any order, at any time.
    """
    alive = GiftRight.objects.filter(state__in=spending.LIVE)
    member_id = members.member_id_of_person(person_id) if alive.exists() else None
    if member_id is None:
        return 0
    family = members.family_of(member_id)
    purses = sorted(set(alive.filter(member_id__in=family).values_list("mall_id", "purse")))
    if not purses:
        return 0
    loyalty.lock_accounts(actor=actor, member_ids=family[:1])
    return sum(review_purse(actor, family[0], purse, mall_id, now) for mall_id, purse in purses)


def review_purse(actor: Viewer, member_id: int, purse: int, mall_id: int, now: dt.datetime) -> int:
    """The same for the rights of one purse; the member's account is held."""
    family, persons = spending.family_of(member_id)
    rows = GiftRight.objects.select_for_update(of=("self",)).select_related("campaign", "item").order_by("id")
    rights = list(rows.filter(member_id__in=family, mall_id=mall_id, purse=purse, state__in=spending.LIVE))
    shares: dict[int, dict[UUID, int]] = {right.pk: {} for right in rights}
    for share in GiftShare.objects.filter(right__in=rights):
        shares[share.right_id][share.receipt_id] = share.fen
    kept = _waived(family, mall_id, purse)
    standings = []
    for right in rights:
        terms = spending.terms_of(right.campaign)
        days = spending.days_of(right.campaign, terms, right.basket)
        receipts = spending.spent(persons, right.campaign, terms, days)
        counts = [(one.receipt_id, max(0, one.fen - kept.get(one.receipt_id, 0))) for one in receipts]
        standings.append(
            rules.Standing(
                right.pk, right.threshold_fen, shares[right.pk], counts, right.state != State.RESERVED
            )
        )
    settled = rules.settle(standings)
    return sum(
        _move(actor, right, shares[right.pk], one, now) for right, one in zip(rights, settled, strict=True)
    )


def _waived(family: list[int], mall_id: int, purse: int) -> dict[UUID, int]:
    """Fen behind gifts that may stay for good: nobody else gets them."""
    rows = GiftShare.objects.filter(
        right__member_id__in=family, right__mall_id=mall_id, right__purse=purse, right__state=State.WAIVED
    )
    found: dict[UUID, int] = {}
    for receipt_id, fen in rows.values_list("receipt_id", "fen"):
        found[receipt_id] = found.get(receipt_id, 0) + fen
    return found


def _move(
    actor: Viewer, right: GiftRight, before: dict[UUID, int], found: rules.Settled, now: dt.datetime
) -> bool:
    """Keep what stands behind the right, and draw the consequence."""
    if found.shares != before and (found.is_covered or right.state != State.RESERVED):
        GiftShare.objects.filter(right=right).delete()
        GiftShare.objects.bulk_create(
            GiftShare(right=right, receipt_id=receipt_id, fen=fen) for receipt_id, fen in found.shares.items()
        )
    person_id = members.person_id_of(right.member_id)
    if right.state == State.RESERVED and not found.is_covered:
        let_go(actor, right, State.REVOKED, now)
    elif right.state == State.HANDED_OUT and not found.is_covered:
        terms = spending.terms_of(right.campaign)
        today = business_date(now, zone_of(right.mall_id))
        right.state, right.owed_at = State.OWED, now
        right.due_on = today + dt.timedelta(days=terms.ask_back_days)
        right.save(update_fields=["state", "owed_at", "due_on"])
        fact = GiftAskedBack(*about(right, person_id), right.due_on, right.points)
        events.publish(fact, actor=actor, now=now)
        if not terms.ask_back_days and right.points:
            _charge(actor, right, now)
        else:
            _tell(right, person_id, now)
    elif right.state == State.OWED and found.is_covered:
        right.state, right.owed_at, right.due_on = State.HANDED_OUT, None, None
        right.save(update_fields=["state", "owed_at", "due_on"])
        events.publish(GiftKept(*about(right, person_id), "covered"), actor=actor, now=now)
    else:
        return found.shares != before
    return True


def _tell(right: GiftRight, person_id: int, now: dt.datetime) -> None:
    assert right.due_on is not None
    notices.tell_of_gift(
        person_id,
        right.item.name,
        right.due_on,
        once=f"gift:{right.pk}:{right.due_on}",
        until=day_bounds(right.due_on, zone_of(right.mall_id))[1],
        now=now,
    )


def _charge(actor: Viewer, right: GiftRight, now: dt.datetime) -> None:
    """The gift stays and is paid with points, into debt if need be; its fen are free for another gift."""
    debt = loyalty.charge_points(
        actor=GIVER,
        member_id=right.member_id,
        points=right.points,
        reason=WHY_CHARGED,
        reference=_reference(right),
        now=now,
    )
    GiftShare.objects.filter(right=right).delete()
    right.state, right.ended_at, right.ended_by = State.CHARGED, now, actor.audit_id
    right.save(update_fields=["state", "ended_at", "ended_by"])
    person_id = members.person_id_of(right.member_id)
    events.publish(GiftCharged(*about(right, person_id), right.points, debt), actor=actor, now=now)


def _reference(right: GiftRight) -> str:
    return f"gift:{right.pk}"


@transaction.atomic
def take_back_gift(
    *, actor: Viewer, right_id: int, now: dt.datetime, is_good: bool = True, reason: str = ""
) -> GiftOutcome:
    """A gift comes back to the desk, whether it had to or not; points that were taken for it are given back.

    ``is_good``: it can be given to somebody else, so the piece is back in the stock. The fen behind it are free again.
    Once: again, nothing happens. Raises GiftRightNotFound, GiftNotOut, NotAllowed.
    """
    right = locked(right_id)
    require_touch(actor, SERVE, mall=right.mall_id)
    if right.state == State.RETURNED:
        return GiftOutcome(right.pk, right.code, right.state, replayed=True)
    if right.state not in (State.HANDED_OUT, State.OWED, State.CHARGED):
        raise GiftNotOut
    points = 0
    if right.state == State.CHARGED:
        points = loyalty.return_charge(
            actor=GIVER, member_id=right.member_id, reason=WHY_RETURNED, reference=_reference(right), now=now
        )
    GiftShare.objects.filter(right=right).delete()
    if is_good:
        count(right.item_id, right.day, -1)
    right.state, right.ended_at, right.ended_by, right.end_reason = (
        State.RETURNED, now, actor.audit_id, reason.strip()[:200],
    )  # fmt: skip
    right.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    record(actor, "take_back", right, now, reason.strip()[:200])
    person_id = members.person_id_of(right.member_id)
    events.publish(GiftTakenBack(*about(right, person_id), points), actor=actor, now=now)
    return GiftOutcome(right.pk, right.code, right.state, points=points)


@transaction.atomic
def waive_gift(*, actor: Viewer, right_id: int, reason: str, now: dt.datetime) -> GiftOutcome:
    """Let a member keep a gift that was asked back; the fen that are left stay behind it.

    Raises GiftRightNotFound, GiftNotOwed, ReasonMissing, NotAllowed.
    """
    right = locked(right_id)
    require_touch(actor, EDIT, mall=right.mall_id)
    if not reason.strip():
        raise ReasonMissing
    if right.state == State.WAIVED:
        return GiftOutcome(right.pk, right.code, right.state, replayed=True)
    if right.state != State.OWED:
        raise GiftNotOwed
    right.state, right.ended_at, right.ended_by, right.end_reason = (
        State.WAIVED, now, actor.audit_id, reason.strip()[:200],
    )  # fmt: skip
    right.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
    record(actor, "waive", right, now, right.end_reason)
    person_id = members.person_id_of(right.member_id)
    events.publish(GiftKept(*about(right, person_id), "waived"), actor=actor, now=now)
    return GiftOutcome(right.pk, right.code, right.state)


def lapse_gifts(*, actor: Viewer, now: dt.datetime) -> int:
    """End what nobody fetched in time, and take the points for gifts that did not come back in time; how many rights.

    Each right is a transaction of its own, so it can be stopped anywhere and run again. Raises NotAllowed.
    """
    require(actor, SERVE)
    waiting = GiftRight.objects.filter(state=State.RESERVED, collect_by__lte=now)
    latest = now.date() + dt.timedelta(days=1)  # the day may be over in the east already
    owed = GiftRight.objects.filter(state=State.OWED, due_on__lt=latest, points__gt=0)
    ids = [
        right_id for rows in (waiting, owed) for right_id in rows.order_by("id").values_list("id", flat=True)
    ]
    return sum(_lapse(actor, right_id, now) for right_id in ids)


@transaction.atomic
def _lapse(actor: Viewer, right_id: int, now: dt.datetime) -> bool:
    right = locked(right_id)
    if right.state == State.RESERVED and right.collect_by <= now:
        let_go(actor, right, State.EXPIRED, now)
        return True
    today = business_date(now, zone_of(right.mall_id))
    if right.state == State.OWED and right.points and right.due_on is not None and right.due_on < today:
        _charge(actor, right, now)
        return True
    return False
