"""What a member spent that a gift campaign counts, and which fen of it already stand behind a gift."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from zhike.customers import queries as customers
from zhike.loyalty import queries as members
from zhike.organization import queries as organization
from zhike.rewards.models import GiftCampaign, GiftRight, GiftShare
from zhike.rewards.rules import gifts as rules
from zhike.sales import queries as sales

State = GiftRight.State
LIVE = (State.RESERVED, State.HANDED_OUT, State.OWED)
"""Rights whose receipts are looked at again when something comes back."""
COUNTING = (*LIVE, State.WAIVED)
"""Rights whose fen count nowhere else."""
HAVING = (State.HANDED_OUT, State.OWED, State.WAIVED)
LIMITED = (*COUNTING, State.CHARGED)
"""Rights that a limit counts: whoever gave the gift back, or never fetched it, may have another."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as a campaign counts it: ``fen`` in all, ``used`` behind gifts; ``reason`` why not all of it counts."""

    receipt_id: UUID
    merchant_id: int
    number: str
    day: dt.date
    occurred_at: dt.datetime
    net_fen: int
    fen: int
    used: int
    reason: str

    @property
    def free(self) -> int:
        return max(0, self.fen - self.used)


def window_of(row: GiftCampaign) -> rules.Window:
    return rules.Window(row.starts_on, row.ends_on, row.collect_until)


def terms_of(row: GiftCampaign) -> rules.GiftTerms:
    return rules.parse_gift_terms(row.terms)


def purse_of(row: GiftCampaign, terms: rules.GiftTerms) -> int:
    """Which rights a campaign shares its fen with: the mall's (0), or only its own."""
    return row.pk if terms.alone else 0


def family_of(member_id: int) -> tuple[list[int], tuple[int, ...]]:
    """Every membership and every person that means this member now."""
    family = members.family_of(member_id)
    return family, customers.family(members.person_id_of(family[0]))


def used_fen(
    receipt_ids: Sequence[UUID], purse: int, mall_id: int, without: Sequence[int] = ()
) -> dict[UUID, int]:
    """Fen of these receipts behind gifts of a purse, but for the rights ``without``."""
    rows = GiftShare.objects.filter(
        receipt_id__in=receipt_ids, right__purse=purse, right__mall_id=mall_id, right__state__in=COUNTING
    ).exclude(right_id__in=without)
    found: dict[UUID, int] = {}
    for receipt_id, fen in rows.values_list("receipt_id", "fen"):
        found[receipt_id] = found.get(receipt_id, 0) + fen
    return found


def spent(
    person_ids: Sequence[int], campaign: GiftCampaign, terms: rules.GiftTerms, days: tuple[dt.date, dt.date]
) -> list[Receipt]:
    """The receipts of some days (inclusive) as the campaign counts them, oldest first."""
    # What came back without its receipt is taken off the newest sale of its merchant, also one of later days.
    rows, loose = sales.kept_sales(person_ids, campaign.mall_id, days[0], dt.date.max)
    bought = []
    for row in rows:
        merchant = organization.merchant_ref(row.merchant_id)
        trade = merchant.trade_category_id if merchant else None
        bought.append(
            rules.Bought(row.receipt_id, row.merchant_id, trade, row.business_date, row.lines, row.tenders)
        )
    if loose:
        bought = rules.without_loose(bought, loose)
    used = used_fen([row.receipt_id for row in rows], purse_of(campaign, terms), campaign.mall_id)
    found = []
    for row, sale in zip(rows, bought, strict=True):
        if sale.day > days[1]:
            continue
        count = rules.counted(terms, sale)
        found.append(
            Receipt(
                row.receipt_id, row.merchant_id, row.number, row.business_date, row.occurred_at, row.net_fen,
                count.fen, used.get(row.receipt_id, 0), count.reason,
            )
        )  # fmt: skip
    return found


def days_of(campaign: GiftCampaign, terms: rules.GiftTerms, basket: dt.date) -> tuple[dt.date, dt.date]:
    """The business days whose receipts a basket adds up."""
    return (basket, basket) if terms.adds_up == "day" else (campaign.starts_on, campaign.ends_on)
