"""A new member's first purchase is welcomed: once for a human being, however often they join; back with the goods."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.customers.queries import clear
from zhike.engagement.events import WelcomeGiven, WelcomePublished, WelcomeRefused, WelcomeTakenBack
from zhike.engagement.models import MemberDevice, Welcome, WelcomeMark, WelcomeOffer, WelcomeVersion
from zhike.engagement.operations._giving import give, require_batches, take_back, unusable
from zhike.engagement.queries.welcome import version_at
from zhike.engagement.rules.referral import Bought, valid_purchase
from zhike.engagement.rules.terms import Reward, TermsError
from zhike.engagement.rules.welcome import (
    DEVICE,
    Newcomer,
    WelcomeTerms,
    bonus,
    due_on,
    due_points,
    judge,
    lapses_at,
    parse_welcome,
)
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import Invalid
from zhike.loyalty import queries as members
from zhike.organization import queries as organization
from zhike.sales import queries as sales

REASON = "welcome"
MARK_FIELD = "engagement.welcome_mark.mark"
Status = Welcome.Status


class WelcomeInThePast(Invalid):
    code = "welcome-in-the-past"
    title = _("A version cannot hold from a moment that is over.")


@transaction.atomic
def save_welcome_offer(
    *,
    actor: Viewer,
    mall_id: int,
    terms: Mapping[str, Any],
    now: dt.datetime,
    effective_from: dt.datetime | None = None,
    is_open: bool = True,
    reason: str = "",
) -> int:
    """Publish what a mall promises those who join from ``effective_from`` (None: now) on; the version.

    Who has joined keeps what was promised to them. Of several versions the one that holds from the latest moment is in
    force, of those from one moment the newest. Raises TermsUnusable (naming the path), WelcomeInThePast, NotAllowed.
    """
    require_touch(actor, "engagement.edit", mall=mall_id)
    try:
        parsed = parse_welcome(terms)
    except TermsError as error:
        raise unusable(error) from error
    if effective_from is not None and effective_from < now:
        raise WelcomeInThePast
    require_batches([parsed.coupon], now)
    WelcomeOffer.objects.bulk_create([WelcomeOffer(mall_id=mall_id, version=0)], ignore_conflicts=True)
    offer = WelcomeOffer.objects.select_for_update(of=("self",)).get(mall_id=mall_id)
    offer.version += 1
    offer.save(update_fields=["version"])
    version = WelcomeVersion.objects.create(
        offer=offer,
        version=offer.version,
        terms=msgspec.to_builtins(parsed),
        is_open=is_open,
        effective_from=effective_from or now,
        published_at=now,
        published_by=actor.audit_id,
        reason=reason[:300],
    )
    after = {"version": version.version, "terms": version.terms, "is_open": is_open}
    audit.record(
        actor=actor, action="welcome.save", subject=("mall", mall_id), after=after, reason=reason, now=now
    )
    fact = WelcomePublished(mall_id, version.version, is_open, version.effective_from)
    events.publish(fact, actor=actor, now=now)
    return version.version


@dataclass(frozen=True, slots=True)
class _Guest:
    """A human being as a welcome sees them: all their memberships, and everything they bought at the mall and elsewhere."""

    found: members.Membership
    family: Sequence[int]
    persons: Sequence[int]
    zone: str
    bought: Sequence[tuple[int | None, Bought]]
    loose_fen: int

    @property
    def is_active(self) -> bool:
        return self.found.status == "active"


@transaction.atomic
def review_welcome(*, actor: Viewer, person_id: int, now: dt.datetime) -> str:
    """Look again at the welcome of a person who joined, bought, returned, or became one with somebody; its status, "" when
    nothing was promised.

    Reads what is so now, hence in any order and as often as one likes. Raises NotAllowed.
    """
    require_touch(actor, "engagement.edit")
    member_id = members.member_id_of_person(person_id)
    if member_id is None:
        return ""
    found = members.membership(members.owner_id_of(member_id))
    family = members.family_of(found.member_id)
    for one in family:
        _promise(one)
    rows = list(
        Welcome.objects.select_for_update(of=("self",))
        .select_related("version__offer")
        .filter(member_id__in=family)
        .order_by("member_id")
    )
    if not rows:
        return ""
    guest = _guest(found, family)
    first, *others = sorted(
        rows, key=lambda row: (row.given_at is None, row.given_at or row.joined_at, row.pk)
    )
    for row in others:
        _refuse(actor, guest, row, "same_person", now)
    _follow(actor, guest, first, min(row.joined_at for row in rows), now)
    return str(first.status)


def _promise(member_id: int) -> None:
    """Keep what a member was promised on joining, if anything was and it is not kept yet."""
    joined = members.membership(member_id)
    if joined.mall_id is None or Welcome.objects.filter(member_id=member_id).exists():
        return
    version = version_at(joined.mall_id, joined.enrolled_at)
    if version is None or not version.is_open:
        return
    row = Welcome(
        member_id=member_id,
        version=version,
        lapses_at=lapses_at(parse_welcome(version.terms), joined.enrolled_at),
        joined_at=joined.enrolled_at,
        changed_at=joined.enrolled_at,
    )
    Welcome.objects.bulk_create([row], ignore_conflicts=True)


def _guest(found: members.Membership, family: Sequence[int]) -> _Guest:
    persons = customers.family(found.person_id)
    bought, loose_fen = list[tuple[int | None, Bought]](), 0
    waits = functools.cache(functools.partial(members.waiting_days, found.program_id))
    for person_id in persons:
        kept, loose = sales.kept_purchases(person_id)
        loose_fen += loose
        for one in kept:
            merchant = organization.merchant_ref(one.merchant_id)
            bought.append(
                (
                    merchant.mall_id if merchant else None,
                    Bought(
                        str(one.receipt_id),
                        one.occurred_at,
                        one.business_date,
                        one.kept_fen,
                        waits(one.merchant_id),
                    ),
                )
            )
    zone = members.program_zone(found.program_id)
    return _Guest(found, family, persons, zone, bought, loose_fen)


def _follow(actor: Viewer, guest: _Guest, row: Welcome, joined_at: dt.datetime, now: dt.datetime) -> None:
    """Bring one welcome to where the purchases put it; what was bought on the day of joining counts, whenever it was."""
    terms = parse_welcome(row.version.terms)
    since = day_bounds(business_date(joined_at, guest.zone), guest.zone)[0]
    marks = _marks(guest)
    others = frozenset() if row.given_at else _left_by_others(guest, marks)
    before = any(bought.occurred_at < since and bought.kept_fen > 0 for _mall, bought in guest.bought)
    refusal = judge(terms, Newcomer(others, before))
    if refusal:
        _refuse(actor, guest, row, refusal, now)
        return
    if row.status == Status.REFUSED:
        row.refusal, row.status = "", Status.PROMISED
    if row.given_at is not None:
        _remember(row, guest, marks, now)
    today = business_date(now, guest.zone)
    _give_coupon_on_joining(actor, guest, row, terms, marks, today, now)
    here = [bought for mall_id, bought in guest.bought if mall_id == row.version.offer.mall_id]
    first = valid_purchase(terms, since, here, guest.loose_fen)
    if row.status == Status.REFUSED:
        return
    if first is None:
        _nothing_bought(actor, guest, row, now)
    elif due_on(terms, first) > today and row.status != Status.GRANTED:
        row.status, row.due_on = Status.WAITING, due_on(terms, first)
        row.receipt_id, row.bought_at = UUID(first.receipt_id), first.occurred_at
    elif guest.is_active or row.points:
        _grant(actor, guest, row, terms, first, marks, today, now)
    if row.status != Status.REFUSED:
        _save(row, now)


def _save(row: Welcome, now: dt.datetime) -> None:
    row.changed_at = now
    row.save()


def _marks(guest: _Guest) -> dict[bytes, str]:
    marks = clear.fingerprints(guest.persons, field=MARK_FIELD)
    devices = MemberDevice.objects.filter(member_id__in=guest.family).values_list("device", flat=True)
    for device in devices:
        marks |= dict.fromkeys(crypto.blind_indexes(f"{DEVICE}:{device}", field=MARK_FIELD), DEVICE)
    return marks


def _left_by_others(guest: _Guest, marks: Mapping[bytes, str]) -> frozenset[str]:
    """The kinds of marks that somebody else has left, or somebody whom nobody knows any more."""
    known = WelcomeMark.objects.filter(program_id=guest.found.program_id, mark__in=list(marks))
    found = known.values_list("kind", "welcome_id")
    return frozenset(kind for kind, owner in found if owner not in guest.family)


def _remember(row: Welcome, guest: _Guest, marks: Mapping[bytes, str], now: dt.datetime) -> None:
    """Leave the marks of somebody who is welcomed, in one order, so that two who share some only wait for each other."""
    rows = [
        WelcomeMark(program_id=guest.found.program_id, mark=mark, kind=kind, welcome_id=row.pk, made_at=now)
        for mark, kind in sorted(marks.items())
    ]
    WelcomeMark.objects.bulk_create(rows, ignore_conflicts=True)


def _take_place(
    actor: Viewer,
    guest: _Guest,
    row: Welcome,
    terms: WelcomeTerms,
    marks: Mapping[bytes, str],
    now: dt.datetime,
) -> bool:
    """The first thing of a welcome takes a place, and the marks say that this person had one; whether it may be given.

    Two who are one and come at once wait for each other's marks: who is second finds them taken.
    """
    if row.given_at is not None:
        return True
    if terms.quota is not None:
        WelcomeOffer.objects.select_for_update(of=("self",)).get(id=row.version.offer_id)
        if Welcome.objects.filter(version=row.version, given_at__isnull=False).count() >= terms.quota:
            row.status = Status.MISSED
            return False
    with transaction.atomic():
        _remember(row, guest, marks, now)
        refusal = judge(terms, Newcomer(_left_by_others(guest, marks), bought_before=False))
        transaction.set_rollback(bool(refusal))
    if refusal:
        _refuse(actor, guest, row, refusal, now)
        return False
    row.given_at = now
    return True


def _give_coupon_on_joining(
    actor: Viewer,
    guest: _Guest,
    row: Welcome,
    terms: WelcomeTerms,
    marks: Mapping[bytes, str],
    today: dt.date,
    now: dt.datetime,
) -> None:
    """Money off the first purchase: the coupon is there before it, as long as one may still come."""
    if terms.batch_id is None or terms.coupon_on != "joining" or row.coupon_id is not None or row.missed:
        return
    if not guest.is_active or now >= row.lapses_at or not _take_place(actor, guest, row, terms, marks, now):
        return
    _hand_over(actor, guest, row, terms, 0, today, now, coupon=True, receipt_id=None)


def _nothing_bought(actor: Viewer, guest: _Guest, row: Welcome, now: dt.datetime) -> None:
    """No purchase counts, or none any more: what one gave goes back."""
    if row.status == Status.GRANTED:
        _take_back(actor, guest, row, "returned", now, with_coupon=_came_with_purchase(row))
        row.status = Status.TAKEN_BACK
    elif row.status == Status.WAITING:
        row.status = Status.PROMISED
    row.receipt_id, row.bought_at, row.due_on = None, None, None


def _came_with_purchase(row: Welcome) -> bool:
    return parse_welcome(row.version.terms).coupon_on == "purchase"


def _grant(
    actor: Viewer,
    guest: _Guest,
    row: Welcome,
    terms: WelcomeTerms,
    first: Bought,
    marks: Mapping[bytes, str],
    today: dt.date,
    now: dt.datetime,
) -> None:
    """Give what the first purchase is worth by what is left of it, once; less when less is left."""
    if not _take_place(actor, guest, row, terms, marks, now):
        return
    wanted = _wanted(row, terms, first)
    if not _within_budget(row, terms, wanted):
        row.status = Status.MISSED
        return
    if row.points and wanted != row.points:
        _take_back(actor, guest, row, "returned", now, with_coupon=False)
        wanted = _wanted(row, terms, first)
    row.receipt_id, row.bought_at = UUID(first.receipt_id), first.occurred_at
    row.due_on = due_on(terms, first)
    coupon = terms.coupon_on == "purchase" and terms.batch_id is not None and row.coupon_id is None
    if guest.is_active and (row.status != Status.GRANTED or not row.points):
        _hand_over(
            actor, guest, row, terms, wanted, today, now,
            coupon=coupon and row.status != Status.GRANTED, receipt_id=first.receipt_id,
        )  # fmt: skip
        row.status = Status.GRANTED


def _wanted(row: Welcome, terms: WelcomeTerms, first: Bought) -> int:
    receipt_id = UUID(first.receipt_id)
    earned = members.points_of_receipts([receipt_id]).get(receipt_id)
    own = earned.points - earned.clawed_points if earned else 0
    own = max(0, own - members.withdrawn_points([receipt_id]).get(receipt_id, 0))
    return due_points(bonus(terms, own), row.kept_points)


def _within_budget(row: Welcome, terms: WelcomeTerms, wanted: int) -> bool:
    if terms.budget_points is None or row.points >= wanted:
        return True
    WelcomeOffer.objects.select_for_update(of=("self",)).get(id=row.version.offer_id)
    others = Welcome.objects.filter(version=row.version).exclude(pk=row.pk)
    used = others.aggregate(points=Sum("points"))["points"] or 0
    return int(used) + wanted <= terms.budget_points


def _hand_over(
    actor: Viewer,
    guest: _Guest,
    row: Welcome,
    terms: WelcomeTerms,
    points: int,
    today: dt.date,
    now: dt.datetime,
    *,
    coupon: bool,
    receipt_id: str | None,
) -> None:
    if points:
        row.attempt += 1
    rewards = [Reward(points=points, batch_id=terms.batch_id if coupon else None)]
    given = give(
        guest.found.member_id,
        rewards,
        terms,
        reason=REASON,
        reference=_reference(row),
        explanation={"receipt": receipt_id} if receipt_id else {},
        today=today,
        now=now,
    )
    row.points += given.points
    row.coupon_id, row.missed = given.coupon_id or row.coupon_id, given.missed or row.missed
    if given.points or given.coupon_id:
        fact = WelcomeGiven(
            guest.found.member_id,
            guest.found.person_id,
            row.version.offer.mall_id,
            given.points,
            terms.batch_id if given.coupon_id else None,
            receipt_id,
        )
        events.publish(fact, actor=actor, now=now)


def _reference(row: Welcome) -> str:
    return f"welcome:{row.pk}:{row.attempt}"


def _take_back(
    actor: Viewer, guest: _Guest, row: Welcome, why: str, now: dt.datetime, *, with_coupon: bool
) -> None:
    taken = take_back(
        row,
        guest.found.member_id,
        reason=REASON,
        reference=_reference(row),
        why=why,
        now=now,
        with_coupon=with_coupon,
    )
    fact = WelcomeTakenBack(
        guest.found.member_id, guest.found.person_id, row.version.offer.mall_id, taken, why
    )
    events.publish(fact, actor=actor, now=now)


def _refuse(actor: Viewer, guest: _Guest, row: Welcome, refusal: str, now: dt.datetime) -> None:
    """There is no welcome for this membership, and what was given before that came to light goes back."""
    if row.status == Status.REFUSED and row.refusal == refusal:
        return
    if row.points or row.coupon_id is not None:
        _take_back(actor, guest, row, refusal, now, with_coupon=True)
    row.status, row.refusal = Status.REFUSED, refusal
    row.receipt_id, row.bought_at, row.due_on = None, None, None
    fact = WelcomeRefused(guest.found.member_id, guest.found.person_id, row.version.offer.mall_id, refusal)
    events.publish(fact, actor=actor, now=now)
    _save(row, now)


@transaction.atomic
def part_welcomes(*, actor: Viewer, person_id: int, merged_id: int, now: dt.datetime) -> None:
    """Two who were taken for one are two again: marks that are only the other's go, and both are looked at anew."""
    require_touch(actor, "engagement.edit")
    survivors, others = customers.family(person_id), customers.family(merged_id)
    if set(survivors) != set(others):
        theirs = clear.fingerprints(others, field=MARK_FIELD)
        alone = set(theirs) - set(clear.fingerprints(survivors, field=MARK_FIELD))
        member_id = members.member_id_of_person(person_id)
        family = members.family_of(member_id) if member_id else []
        WelcomeMark.objects.filter(mark__in=alone, welcome_id__in=family).delete()
    for one in (person_id, merged_id):
        review_welcome(actor=actor, person_id=one, now=now)


def settle_welcomes(*, actor: Viewer, mall_id: int, now: dt.datetime) -> int:
    """Give what waited long enough, and let promises lapse that nobody took up; how many were due.

    Each member is a transaction of its own, so it can be stopped anywhere and run again. Raises NotAllowed.
    """
    require_touch(actor, "engagement.edit", mall=mall_id)
    rows = Welcome.objects.filter(version__offer__mall_id=mall_id)
    today = business_date(now, organization.mall(mall_id).time_zone)
    due = rows.filter(status=Status.WAITING, due_on__lte=today)
    waiting = list(due.order_by("pk").values_list("pk", flat=True))
    for person_id in members.person_ids_of(waiting).values():
        review_welcome(actor=actor, person_id=person_id, now=now)
    rows.filter(status=Status.PROMISED, lapses_at__lte=now).update(status=Status.LAPSED, changed_at=now)
    return len(waiting)
