"""A member's growth value: how much counts, how it is earned, and every entry with its reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from zhike.kernel.access import Viewer
from zhike.kernel.paging import Keyset, Page
from zhike.loyalty.models import Account, GrowthAccount, GrowthTransfer
from zhike.loyalty.queries.members import family_of, growth_in_window, owner_id_of, require_member
from zhike.loyalty.queries.snapshots import read_programme
from zhike.loyalty.queries.tier_words import deed_names, growth_words, yuan
from zhike.loyalty.rules.calendar import window_start

_NEWEST = Keyset((("id", "desc"),))


@dataclass(frozen=True, slots=True)
class GrowthEntry:
    """One entry, newest first: ``growth`` gained, or lost where it is below zero; ``sentence`` says why."""

    id: int
    day: dt.date
    source: str
    growth: int
    reference: str
    why: Mapping[str, Any]
    sentence: str


@dataclass(frozen=True, slots=True)
class GrowthView:
    """``in_window`` counts since ``since``; ``gathered`` is all there ever was; ``rules`` how it is earned, in words."""

    in_window: int
    since: dt.date
    gathered: int
    rules: str
    entries: tuple[GrowthEntry, ...]
    page: Page[GrowthTransfer]


def member_growth(
    viewer: Viewer, member_id: int, now: dt.datetime, cursor: str | None = None, limit: int = 20
) -> GrowthView | None:
    """A member's growth value; None where the programme has none. Raises MemberNotFound, BadCursor."""
    require_member(viewer, member_id)
    family = family_of(owner_id_of(member_id))
    owner = Account.objects.get(member_id=family[0])
    programme = read_programme(owner.program_id)
    if not programme.growth:
        return None
    accounts = list(Account.objects.filter(member_id__in=family).values_list("id", flat=True))
    page = _NEWEST.page(_moving(accounts), cursor, limit)
    today = programme.today(now)
    rules = next((one.rules for one in programme.growth if one.first <= today <= one.last), None)
    gathered = GrowthAccount.objects.filter(account_id__in=accounts).aggregate(all=Sum("balance"))["all"]
    return GrowthView(
        in_window=growth_in_window(owner.pk, programme, now),
        since=window_start(programme.tier_window, today),
        gathered=int(gathered or 0),
        rules=growth_words(rules),
        entries=tuple(_entry(row) for row in page.items),
        page=page,
    )


def _moving(accounts: list[int]) -> QuerySet[GrowthTransfer]:
    """The entries of these accounts."""
    gained = Q(credit_account_id__in=accounts, credit_account_id__gt=0)
    return GrowthTransfer.objects.filter(gained | Q(debit_account_id__in=accounts, debit_account_id__gt=0))


def _entry(row: GrowthTransfer) -> GrowthEntry:
    change = row.growth if row.credit_account_id > 0 else -row.growth
    return GrowthEntry(row.pk, row.day, row.source, change, row.reference, row.explanation, _why(row, change))


def _why(row: GrowthTransfer, change: int) -> str:
    why = row.explanation
    if why.get("gone"):
        return _("What gave it was taken out again.")
    if row.source == "visit":
        return _("A day with a purchase.") if change > 0 else _("Nothing of that day's purchases was kept.")
    if row.source == "deed":
        words = {"deed": deed_names().get(why["deed"], why["deed"])}
        return _("For %(deed)s.") % words if change > 0 else _("Taken back: %(deed)s.") % words
    words = {"amount": yuan(why["fen"])}
    if change > 0:
        return _("A purchase of %(amount)s that counts.") % words
    return _("Goods came back; %(amount)s of the purchase still counts.") % words
