"""Everything a member did that missions may count, gathered from where it is kept."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Sequence

from zhike.customers import queries as customers
from zhike.engagement.models import CheckIn, Deed, Referral
from zhike.engagement.rules import missions as rules
from zhike.kernel.clock import business_date
from zhike.loyalty import queries as members
from zhike.organization import queries as organization
from zhike.sales import queries as sales


def deeds_since(person_id: int, program_id: int, since: dt.datetime) -> list[rules.Deed]:
    """What somebody and whoever was merged into them did since a moment, in any order."""
    persons = customers.family(person_id)
    member_id = members.member_id_of_person(person_id)
    family = members.family_of(member_id) if member_id else []
    zone = members.program_zone(program_id)
    found = purchases_since(persons, program_id, since)
    for row in CheckIn.objects.filter(member_id__in=family, made_at__gte=since, made_up=False):
        found.append(
            rules.Deed(
                "check_in", f"check_in:{row.mall_id}:{row.day}", row.made_at, row.day, mall_id=row.mall_id
            )
        )
    found += _referrals(family, since, zone)
    for deed in Deed.objects.filter(member_id__in=family, happened_at__gte=since, withdrawn_at=None):
        found.append(
            rules.Deed(
                deed.kind,
                f"{deed.kind}:{deed.reference}",
                deed.happened_at,
                business_date(deed.happened_at, zone),
                deed.mall_id,
                deed.merchant_id,
                _trade_category(deed.merchant_id),
            )
        )
    return found


def purchases_since(
    persons: Sequence[int], program_id: int, since: dt.datetime, skus: Sequence[str] = ()
) -> list[rules.Deed]:
    """What the ids of one human being bought and kept since a moment; ``skus``: of these articles only."""
    found, loose_fen = list[rules.Deed](), 0
    waits = functools.cache(functools.partial(members.waiting_days, program_id))
    for person_id in persons:
        kept, loose = sales.kept_purchases(person_id, since, skus)
        loose_fen += loose
        for one in kept:
            merchant = organization.merchant_ref(one.merchant_id)
            found.append(
                rules.Deed(
                    "purchase",
                    str(one.receipt_id),
                    one.occurred_at,
                    one.business_date,
                    merchant.mall_id if merchant else None,
                    one.merchant_id,
                    merchant.trade_category_id if merchant else None,
                    one.kept_fen,
                    waits(one.merchant_id),
                )
            )
    return rules.offset_loose(found, loose_fen) if loose_fen else found


def _referrals(family: Sequence[int], since: dt.datetime, zone: str) -> Iterator[rules.Deed]:
    """Friends whose first purchase is there to stay, on the day they joined."""
    rows = Referral.objects.filter(
        inviter_id__in=family, joined_at__gte=since, status=Referral.Status.REWARDED
    )
    for row in rows:
        yield rules.Deed("referral", f"referral:{row.pk}", row.joined_at, business_date(row.joined_at, zone))


def _trade_category(merchant_id: int | None) -> int | None:
    merchant = organization.merchant_ref(merchant_id) if merchant_id is not None else None
    return merchant.trade_category_id if merchant else None
