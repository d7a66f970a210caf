"""Stamp cards are published, filled by what members buy, rewarded, and emptied when the goods come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.engagement.events import (
    StampCardPublished,
    StampCardRewarded,
    StampRewardTakenBack,
    StampsCounted,
)
from zhike.engagement.models import StampCard, StampHolding, StampReward
from zhike.engagement.operations._giving import give, require_batches, take_back, unusable
from zhike.engagement.queries.stamps import counted_purchases, open_cards
from zhike.engagement.rules.stamps import Collected, StampTerms, collect, parse_stamps
from zhike.engagement.rules.terms import Reward, TermsError
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Invalid, NotFound
from zhike.loyalty import queries as members
from zhike.organization import queries as organization

REASON = "stamps"
REMEMBERED = dt.timedelta(days=400)
"""Returns are looked after for so long after a card was closed."""


class StampCardNotFound(NotFound):
    code = "stamp-card-not-found"
    title = _("There is no such stamp card.")


class StampCardUnusable(Invalid):
    code = "stamp-card-unusable"
    title = _("A stamp card needs a name of at most 60 characters and a merchant of its own mall.")


class StampsAreCollected(Invalid):
    code = "stamp-card-in-use"
    title = _("Members have stamps on it: only what makes filling it easier can be changed.")


@transaction.atomic
def save_stamp_card(
    *,
    actor: Viewer,
    mall_id: int,
    name: str,
    terms: Mapping[str, Any],
    now: dt.datetime,
    merchant_id: int | None = None,
    card_id: int | None = None,
    description: str = "",
    is_open: bool = True,
    reason: str = "",
) -> int:
    """Publish a stamp card of a mall, or of one merchant in it, or new terms of one; its id.

    What is on members' cards is theirs: once somebody has a stamp the terms may only become kinder (fewer stamps, a lower
    minimum, more a day, longer). Closing it ends the stamps; what is full stays. Raises StampCardUnusable,
    StampCardNotFound, StampsAreCollected, TermsUnusable (naming the path), NotAllowed.
    """
    require_touch(actor, "engagement.edit", mall=mall_id, merchant=merchant_id)
    try:
        parsed = parse_stamps(terms)
    except TermsError as error:
        raise unusable(error) from error
    name = name.strip()
    merchant = organization.merchant_ref(merchant_id) if merchant_id is not None else None
    if not 0 < len(name) <= 60 or (
        merchant_id is not None and (merchant is None or merchant.mall_id != mall_id)
    ):
        raise StampCardUnusable
    require_batches([parsed.reward], now)
    card = _to_publish(card_id, mall_id, merchant_id, now)
    if card.version and not _is_kinder(parse_stamps(card.terms), parsed):
        if StampHolding.objects.filter(card=card, total__gt=0).exists():
            raise StampsAreCollected
    card.name, card.description = name, description.strip()[:300]
    card.terms, card.version = msgspec.to_builtins(parsed), card.version + 1
    card.closed_at = None if is_open else (card.closed_at or now)
    card.changed_at, card.changed_by = now, actor.audit_id
    card.save()
    after = {"name": name, "version": card.version, "terms": card.terms, "is_open": is_open}
    audit.record(
        actor=actor,
        action="stamp_card.save",
        subject=("stamp_card", card.pk),
        after=after,
        reason=reason,
        now=now,
    )
    events.publish(StampCardPublished(mall_id, card.pk, card.version, is_open), actor=actor, now=now)
    return card.pk


def _to_publish(card_id: int | None, mall_id: int, merchant_id: int | None, now: dt.datetime) -> StampCard:
    if card_id is None:
        return StampCard(mall_id=mall_id, merchant_id=merchant_id, opened_at=now)
    rows = StampCard.objects.select_for_update(of=("self",))
    found = rows.filter(id=card_id, mall_id=mall_id).first()
    if found is None or found.merchant_id != merchant_id:
        raise StampCardNotFound
    return found


def _is_kinder(before: StampTerms, after: StampTerms) -> bool:
    """Whether nobody who collects is worse off; the reward, who pays and how long its points live may change."""
    far = 10**9
    one, two = before.each_fen or far, after.each_fen or far
    fixed = ("skus", "merchants", "trade_categories", "starts_on")
    return (
        after.stamps <= before.stamps
        and after.minimum_fen <= before.minimum_fen
        and two <= one
        and (after.day_max or far) >= (before.day_max or far)
        and (after.rounds_max or far) >= (before.rounds_max or far)
        and (after.days or far) >= (before.days or far)
        and (after.ends_on or dt.date.max) >= (before.ends_on or dt.date.max)
        and all(getattr(after, field) == getattr(before, field) for field in fixed)
    )


@transaction.atomic
def review_stamps(*, actor: Viewer, person_id: int, now: dt.datetime) -> int:
    """Look again how far a person is on every card, after they bought or returned something; how many cards changed.

    What they bought is read anew each time, so it may run in any order, at any time, and as often as one likes.
    Raises NotAllowed.
    """
    require_touch(actor, "engagement.edit")
    member_id = members.member_id_of_person(person_id)
    if member_id is None:
        return 0
    found = members.membership(members.owner_id_of(member_id))
    return sum(_review(actor, found, card, now) for card in open_cards(now - REMEMBERED))


def _review(actor: Viewer, found: members.Membership, card: StampCard, now: dt.datetime) -> bool:
    """One card of one member; what a membership that was merged into it got counts as theirs."""
    terms = parse_stamps(card.terms)
    today = business_date(now, members.program_zone(found.program_id))
    got = collect(terms, counted_purchases(found.person_id, found.program_id, card, terms), today)
    family = members.family_of(found.member_id)
    holdings = StampHolding.objects.filter(card=card, member_id__in=family)
    if not got.total and not holdings.exists():
        return False
    fresh = StampHolding(card=card, member_id=found.member_id, changed_at=now)
    StampHolding.objects.bulk_create([fresh], ignore_conflicts=True)
    rows = {row.member_id: row for row in holdings.select_for_update(of=("self",)).order_by("id")}
    own = rows[found.member_id]
    due = [one for one in got.filled if one.due_on <= today]
    changed = _reward(actor, found, card, terms, own, list(rows.values()), len(due), today, now)
    waiting = [one.due_on for one in got.filled if one.due_on > today]
    return _keep(actor, found, card, terms, own, got, min(waiting, default=None), now) or changed


def _keep(
    actor: Viewer,
    found: members.Membership,
    card: StampCard,
    terms: StampTerms,
    own: StampHolding,
    got: Collected,
    due_on: dt.date | None,
    now: dt.datetime,
) -> bool:
    """Write how far they are, and tell it when stamps came or went."""
    change = got.total - own.total
    state = (len(got.days), got.total, len(got.filled), due_on)
    if state == (own.stamps, own.total, own.rounds, own.due_on):
        return False
    own.stamps, own.total, own.rounds, own.due_on = state
    own.changed_at = now
    own.save()
    if change:
        fact = StampsCounted(
            found.member_id, found.person_id, card.pk, card.name, change, own.stamps, terms.stamps
        )
        events.publish(fact, actor=actor, now=now)
    return True


def _reward(
    actor: Viewer,
    found: members.Membership,
    card: StampCard,
    terms: StampTerms,
    own: StampHolding,
    holdings: Sequence[StampHolding],
    due: int,
    today: dt.date,
    now: dt.datetime,
) -> bool:
    """As many rewards stand as cards are full and due: the last ones go first, those that went come first again."""
    rows = list(
        StampReward.objects.filter(holding__in=[one.pk for one in holdings]).order_by("given_at", "id")
    )
    standing = [row for row in rows if row.is_standing]
    changed = len(standing) != due
    for row in reversed(standing[due:]):
        _take_back(actor, found, card, row, now)
    if found.status != "active":
        return changed
    missing = due - len(standing)
    for row in [row for row in rows if not row.is_standing][: max(0, missing)]:
        _give(actor, found, card, terms, row, today, now)
        missing -= 1
    numbers = [row.number for row in rows if row.holding_id == own.pk]
    for step in range(max(0, missing)):
        number = max(numbers, default=0) + step + 1
        _give(actor, found, card, terms, StampReward(holding=own, number=number), today, now)
    return changed


def _give(
    actor: Viewer,
    found: members.Membership,
    card: StampCard,
    terms: StampTerms,
    row: StampReward,
    today: dt.date,
    now: dt.datetime,
) -> None:
    points = max(0, terms.reward.points - row.kept_points)
    batch_id = terms.reward.batch_id if row.coupon_id is None else None
    row.attempt, row.is_standing, row.given_at = row.attempt + 1, True, now
    given = give(
        found.member_id,
        [Reward(points=points, batch_id=batch_id)],
        terms,
        reason=REASON,
        reference=_reference(row),
        explanation={"name": card.name, "card": card.pk},
        today=today,
        now=now,
    )
    row.points, row.missed = given.points, given.missed
    row.coupon_id = given.coupon_id or row.coupon_id
    row.save()
    given_batch = batch_id if given.coupon_id else None
    fact = StampCardRewarded(
        found.member_id, found.person_id, card.pk, card.name, row.number, given.points, given_batch
    )
    events.publish(fact, actor=actor, now=now)


def _reference(row: StampReward) -> str:
    return f"stamps:{row.holding_id}:{row.number}:{row.attempt}"


def _take_back(
    actor: Viewer, found: members.Membership, card: StampCard, row: StampReward, now: dt.datetime
) -> None:
    taken = take_back(row, found.member_id, reason=REASON, reference=_reference(row), why="returned", now=now)
    row.is_standing = False
    row.save()
    fact = StampRewardTakenBack(found.member_id, found.person_id, card.pk, card.name, row.number, taken)
    events.publish(fact, actor=actor, now=now)


def settle_stamps(*, actor: Viewer, mall_id: int, now: dt.datetime) -> int:
    """Give the rewards whose waiting time is over; how many members were due.

    Each member is a transaction of its own, so it can be stopped anywhere and run again. Raises NotAllowed.
    """
    require_touch(actor, "engagement.edit", mall=mall_id)
    today = business_date(now, organization.mall(mall_id).time_zone)
    due = StampHolding.objects.filter(card__mall_id=mall_id, due_on__lte=today)
    waiting = sorted(set(due.values_list("member_id", flat=True)))
    for person_id in members.person_ids_of(waiting).values():
        review_stamps(actor=actor, person_id=person_id, now=now)
    return len(waiting)
