"""What associates achieved: their own figures, and those of colleagues they may be compared with.

Definitions. *new members*: joined in the period and are theirs now. *sales*: of their members in the period, in every shop of the
house, less returns. *a member*: sales by members looked after, so that a long list is no advantage. *done*: follow-ups they
finished. *in time*: of these, on or before the last day, with those that lapsed or are late by now counted as not in time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q

from zhike.clienteling.models import Contact, FollowUp
from zhike.clienteling.queries.follow_ups import today_of
from zhike.clienteling.queries.reaching import VIEW
from zhike.customers.queries import associates
from zhike.kernel.access import Viewer, require, system_viewer
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.sales import queries as sales

ROLE = "sales_associate"
ORDERS = ("sales", "each", "new", "done", "in_time")


@dataclass(frozen=True, slots=True)
class Result:
    """One associate in a period; ``missed`` follow-ups lapsed or are late now; ``rank`` from 1 among those compared."""

    staff_id: int
    name: str
    members: int
    new_members: int
    net_fen: int
    buyers: int
    done: int
    in_time: int
    missed: int
    contacts: int
    rank: int = 0

    @property
    def in_time_share(self) -> float | None:
        whole = self.done + self.missed
        return self.in_time / whole if whole else None

    @property
    def each_fen(self) -> int:
        """Sales by members looked after."""
        return self.net_fen // self.members if self.members else 0


def colleagues(viewer: Viewer) -> list[int]:
    """Whom a viewer is compared with: who has the role at the same merchants, themself included. Raises NotAllowed."""
    require(viewer, VIEW)
    if viewer.id is None or viewer.kind != "staff":
        raise NotAllowed
    found = {viewer.id}
    for grant in organization.staff_member(viewer.id).grants:
        merchant = organization.merchant_ref(grant.target_id) if grant.level == "merchant" else None
        if grant.role == ROLE and merchant is not None:
            people = organization.staff_with_role(ROLE, merchant.mall_id, merchant.id)
            found |= {staff_id for staff_id, _name in people if _works_at(staff_id, merchant.id)}
    return sorted(found)


def _works_at(staff_id: int, merchant_id: int) -> bool:
    grants = organization.staff_member(staff_id).grants
    return any(
        one.role == ROLE and one.level == "merchant" and one.target_id == merchant_id for one in grants
    )


def own_ranking(viewer: Viewer, days: int, now: dt.datetime, order: str = "sales") -> list[Result]:
    """The viewer among their colleagues of the same shops, the best first. No member of a colleague is shown in it."""
    return _ranking(colleagues(viewer), days, now, order, today_of(viewer, now))


def ranking(
    viewer: Viewer, days: int, now: dt.datetime, mall_id: int | None = None, order: str = "sales"
) -> list[Result]:
    """Every associate of the viewer's malls. Raises NotAllowed."""
    people = [one.staff_id for one in associates.associates(viewer, mall_id)]
    return _ranking(people, days, now, order, today_of(viewer, now))


def _ranking(people: Sequence[int], days: int, now: dt.datetime, order: str, today: dt.date) -> list[Result]:
    """Figures of people whom the caller has authorised, in seven queries."""
    seer = system_viewer("ranking")
    since, first_day = now - dt.timedelta(days=days), today - dt.timedelta(days=days - 1)
    names = {staff_id: organization.staff_member(staff_id).name for staff_id in people}
    counts = associates.members_by_associate(people)
    joined = loyalty.enrolled_by_associate(people, since, now)
    bought = sales.sales_by_associate(seer, since, now)
    ended = FollowUp.objects.filter(ended_by_staff_id__in=people, state="done", ended_on__gte=first_day)
    done = {
        row["ended_by_staff_id"]: (row["n"], row["kept"])
        for row in ended.values("ended_by_staff_id").annotate(
            n=Count("id"), kept=Count("id", filter=Q(ended_on__lte=F("last_on")))
        )
    }
    late = FollowUp.objects.filter(
        Q(state="lapsed", ended_on__gte=first_day) | Q(state="open", last_on__lt=today),
        person__associate_id__in=people,
    )
    missed = _counted(late.values_list("person__associate_id").annotate(n=Count("id")).order_by())
    spoken = Contact.objects.filter(staff_id__in=people, happened_at__gte=since)
    contacts = _counted(spoken.values_list("staff_id").annotate(n=Count("id")).order_by())
    nothing = sales.AssociateSales(0, 0, 0)
    rows = [
        Result(
            staff_id=pk,
            name=names[pk],
            members=counts.get(pk, 0),
            new_members=joined.get(pk, 0),
            net_fen=bought.get(pk, nothing).net_fen,
            buyers=bought.get(pk, nothing).buyers,
            done=done.get(pk, (0, 0))[0],
            in_time=done.get(pk, (0, 0))[1],
            missed=missed.get(pk, 0),
            contacts=contacts.get(pk, 0),
        )
        for pk in people
    ]
    return _ranked(rows, order)


def _counted(pairs: object) -> dict[int, int]:
    return dict(pairs)  # type: ignore[call-overload, no-any-return]


def _ranked(rows: list[Result], order: str) -> list[Result]:
    """Equals share a rank."""
    from dataclasses import replace

    def value(row: Result) -> float:
        by = {
            "each": row.each_fen,
            "new": row.new_members,
            "done": row.done,
            "in_time": row.in_time_share or 0,
        }
        return float(by.get(order, row.net_fen))

    best = sorted(rows, key=lambda row: (-value(row), row.name, row.staff_id))
    values = [value(row) for row in best]
    return [replace(row, rank=values.index(value(row)) + 1) for row in best]
