"""Reasons to turn to a member: found by the rules of the mall, settled when they go, lapsed when nobody came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.clienteling.events import FollowUpEnded, FollowUpOpened, ReminderPolicyPublished
from zhike.clienteling.models import FollowUp, ReminderPolicy
from zhike.clienteling.queries import follow_ups as queries
from zhike.clienteling.queries.reaching import zone_of
from zhike.clienteling.rules import reminders
from zhike.clienteling.rules.reminders import Known, Reason, Terms
from zhike.customers.queries import associates
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import Invalid
from zhike.loyalty import queries as loyalty
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.service import queries as service


class ReminderPolicyInvalid(Invalid):
    code = "reminder-policy-invalid"
    title = _("A value of the reminder rules is missing or out of its limits.")


@transaction.atomic
def publish_reminders(*, actor: Viewer, mall_id: int, terms: dict[str, Any], now: dt.datetime) -> int:
    """New reminder rules of a mall; the version. The same rules again make none.

    ``terms`` are the fields of ``rules.reminders.Terms``. Raises ReminderPolicyInvalid, NotFound, NotAllowed.
    """
    require_touch(actor, queries.EDIT, mall=organization.mall(mall_id).id)
    if wrong := reminders.faults(terms):
        raise ReminderPolicyInvalid(fields={name: [ReminderPolicyInvalid.title] for name in wrong})
    _lock("clienteling.policy", mall_id)
    before = queries.reminder_policy(mall_id)
    if before.version and asdict(before.terms) == terms:
        return before.version
    version = before.version + 1
    ReminderPolicy.objects.create(
        mall_id=mall_id, version=version, terms=terms, published_at=now, published_by=actor.label
    )
    audit.record(
        actor=actor, action="reminders.publish", subject=("mall", mall_id), before=asdict(before.terms), after=terms, now=now,
    )  # fmt: skip
    events.publish(ReminderPolicyPublished(mall_id, version), actor=actor, now=now)
    return version


@transaction.atomic
def find_follow_ups(*, actor: Viewer, mall_id: int, now: dt.datetime) -> int:
    """Everything that is a reason today to turn to a member of the mall whom somebody looks after; how many new ones.

    Also settles and lapses what is over. A dozen queries, however many members; done again it finds none.
    """
    _lock("clienteling.find", mall_id)
    zone = zone_of(mall_id)
    today = business_date(now, zone)
    terms = queries.reminder_policy(mall_id).terms
    cared_for = associates.cared_for(mall_id, with_nowhere=mall_id == organization.first_mall_id())
    known = _known(cared_for, terms, today, zone, now)
    found = [reason for one in known for reason in reminders.reasons(one, terms, today)]
    _settle(actor, mall_id, {one.person_id: one for one in known}, today, now)
    return _open(actor, mall_id, found, now)


def _known(persons: Sequence[int], terms: Terms, today: dt.date, zone: str, now: dt.datetime) -> list[Known]:
    """What the rules look at, of many members at once."""
    members = loyalty.members_by_person(persons)
    birthdays = associates.birthdays_ahead(persons, today, terms.birthday_days_before)
    shopping = loyalty.shopping_of(persons)
    points = loyalty.points_ending(persons, today, today + dt.timedelta(days=terms.points_days_before))
    last = day_bounds(today + dt.timedelta(days=terms.coupon_days_before), zone)[1]
    coupons = offers.coupons_ending(list(members.values()), now, last)

    def day(moment: dt.datetime | None) -> dt.date | None:
        return business_date(moment, zone) if moment is not None else None

    found = []
    for person_id in persons:
        if person_id not in members:
            continue
        shops, coupon = shopping.get(person_id), coupons.get(members[person_id])
        ending_on, ending = points.get(person_id, (None, 0))
        found.append(
            Known(
                person_id=person_id,
                birthday_on=birthdays.get(person_id),
                first_bought_on=day(shops.first_purchase_at) if shops else None,
                last_bought_on=day(shops.last_purchase_at) if shops else None,
                purchases=shops.purchases if shops else 0,
                points_ending=ending,
                points_end_on=ending_on,
                coupon_id=coupon.coupon_id if coupon else None,
                coupon_name=coupon.name if coupon else "",
                coupon_last_on=day(coupon.last_moment) if coupon else None,
            )
        )
    return found


def _open(actor: Viewer, mall_id: int, found: Sequence[Reason], now: dt.datetime) -> int:
    if not found:
        return 0
    there = queries.known_keys([one.person_id for one in found], sorted({one.key for one in found}))
    rows = [
        FollowUp(
            person_id=one.person_id,
            mall_id=mall_id,
            kind=one.kind,
            key=one.key,
            facts=dict(one.facts),
            due_on=one.due_on,
            last_on=one.last_on,
            created_at=now,
            created_by=actor.label,
        )
        for one in found
        if (one.person_id, one.kind, one.key) not in there
    ]
    FollowUp.objects.bulk_create(rows)
    facts = [FollowUpOpened(r.person_id, r.pk, r.kind, r.last_on) for r in rows]
    events.publish_many(facts, actor=actor, now=now)
    return len(rows)


def _settle(actor: Viewer, mall_id: int, known: dict[int, Known], today: dt.date, now: dt.datetime) -> None:
    """A member who bought again is not quiet, a ticket that was solved needs no call; what came too late is over."""
    rows = list(FollowUp.objects.select_for_update().filter(mall_id=mall_id, state="open").order_by("id"))
    waiting = service.open_numbers([row.key for row in rows if row.kind == "ticket"])
    settled, lapsed = [], []
    for row in rows:
        if (row.kind == "ticket" and row.key not in waiting) or (
            row.kind == "quiet" and _came_back(known.get(row.person_id), row.key)
        ):
            settled.append(row)
        elif reminders.is_over(row.kind, row.last_on, today):
            lapsed.append(row)
    _end(actor, settled, "settled", today, now)
    _end(actor, lapsed, "lapsed", today, now)


def _came_back(one: Known | None, silent_since: str) -> bool:
    return (
        one is not None and one.last_bought_on is not None and one.last_bought_on.isoformat() > silent_since
    )


def _end(actor: Viewer, rows: Iterable[FollowUp], state: str, today: dt.date, now: dt.datetime) -> None:
    ended = list(rows)
    FollowUp.objects.filter(pk__in=[row.pk for row in ended]).update(
        state=state, ended_at=now, ended_on=today, ended_by=actor.label
    )
    facts = [FollowUpEnded(row.person_id, row.pk, row.kind, state, "", False) for row in ended]
    if facts:
        events.publish_many(facts, actor=actor, now=now)


@transaction.atomic
def remind_of_ticket(
    *, actor: Viewer, person_id: int, number: str, mall_id: int, opened_at: dt.datetime, now: dt.datetime
) -> bool:
    """Tell who looks after a member that a ticket was opened; False when nobody does, or the rule is off."""
    if person_id not in associates.associates_by_person([person_id]):
        return False
    terms = queries.reminder_policy(mall_id).terms
    reason = reminders.ticket_reason(person_id, number, business_date(opened_at, zone_of(mall_id)), terms)
    if reason is None:
        return False
    _lock("clienteling.find", mall_id)
    return _open(actor, mall_id, [reason], now) == 1


@transaction.atomic
def settle_ticket(*, actor: Viewer, number: str, now: dt.datetime) -> None:
    """A ticket is solved: nobody needs to be called about it any more."""
    rows = list(FollowUp.objects.select_for_update().filter(kind="ticket", key=number, state="open"))
    for row in rows:
        _end(actor, [row], "settled", business_date(now, zone_of(row.mall_id)), now)


def _lock(what: str, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [what, number % 2**31])
