"""The points statement: every movement with its sentence, and what happened around it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from zhike.kernel.access import Viewer
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.models import Award, Redemption, Transfer
from zhike.loyalty.queries.explanations import Explained, entry_sentence, explain
from zhike.loyalty.queries.members import _account, family_of, last_transfers

_EARNED = ("earn", "release")
NEWEST_TRANSFER = Keyset((("id", "desc"),))


@dataclass(frozen=True, slots=True)
class EntryView:
    """One movement; ``points`` is signed, ``lots`` lists (expiry, points) it touched."""

    transfer_id: int
    posted_at: dt.datetime
    occurred_at: dt.datetime
    points: int
    reason: str
    sentence: str
    balance_after: int
    lots: tuple[tuple[dt.date, int], ...]
    debt_points: int
    reference: str
    actor: str
    explanation: Explained


def statement(
    viewer: Viewer, member_id: int, cursor: str | None = None, limit: int = 30, *, presented: bool = False
) -> Listing[EntryView]:
    """A member's movements, newest first. Raises MemberNotFound when hidden."""
    account = _account(viewer, member_id, presented)
    mine = Transfer.objects.filter(Q(credit_account_id=account.pk) | Q(debit_account_id=account.pk))
    if cursor is None and limit <= 50:
        rows = last_transfers(account.pk, limit + 1)
        if len(rows) <= limit:
            return Listing(_entries(rows, account.pk))
    page = NEWEST_TRANSFER.page(mine, cursor, min(max(limit, 1), 200))
    return Listing(_entries(page.items, account.pk), page.next_cursor, page.previous_cursor)


def _entries(transfers: Sequence[Transfer], account_id: int) -> list[EntryView]:
    earned = [transfer.reference.partition(":")[2] for transfer in transfers if transfer.reason in _EARNED]
    awards = {str(award.receipt_id): award for award in Award.objects.filter(receipt_id__in=earned)}
    entries = []
    for transfer in transfers:
        sign = 1 if transfer.credit_account_id == account_id else -1
        award = awards.get(transfer.reference.partition(":")[2]) if transfer.reason in _EARNED else None
        sentence = entry_sentence(transfer.reason, sign * transfer.points, transfer.explanation, award)
        explained = explain(award.explanation) if award else Explained(sign * transfer.points, sentence)
        entries.append(
            EntryView(
                transfer_id=transfer.pk,
                posted_at=transfer.posted_at,
                occurred_at=transfer.occurred_at,
                points=sign * transfer.points,
                reason=transfer.reason,
                sentence=sentence,
                balance_after=transfer.balance_after,
                lots=tuple((dt.date.fromisoformat(day), points) for day, _, points in transfer.lots),
                debt_points=transfer.debt_points,
                reference=transfer.reference,
                actor=transfer.actor,
                explanation=explained,
            )
        )
    return entries


@dataclass(frozen=True, slots=True)
class RedemptionView:
    """``bought``: the points bought something that is not goods of a till, and come back only with that."""

    redemption_id: Any
    points: int
    value_fen: int
    reversed_points: int
    merchant_id: int | None
    reference: str
    redeemed_at: dt.datetime
    redeemed_by: str
    bought: bool = False

    @property
    def left(self) -> int:
        """Points that can still be given back."""
        return self.points - self.reversed_points


def redemptions(
    viewer: Viewer, member_id: int, limit: int = 20, *, presented: bool = False
) -> list[RedemptionView]:
    """A member's redemptions, newest first. Raises MemberNotFound when hidden."""
    _account(viewer, member_id, presented)
    return [
        RedemptionView(
            row.pk,
            row.points,
            row.value_fen,
            row.reversed_points,
            row.merchant_id,
            row.reference,
            row.redeemed_at,
            row.redeemed_by,
            "for" in row.transfer.explanation,
        )
        for row in Redemption.objects.filter(member_id__in=family_of(member_id))
        .select_related("transfer")
        .order_by("-redeemed_at", "-id")[:limit]
    ]
