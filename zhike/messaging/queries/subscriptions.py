"""The ledger of credits: what members accepted, what messages used up, what is left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Max, Q

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.messaging.models import ChannelAccount, SubscriptionAnswer, VendorTemplate

VIEW = "messages.view"
COLUMNS = {level: f"person__{column}" for level, column in customers.COLUMNS.items()}
COUNTS = ("people", "accepted", "rejected", "banned", "left", "used", "lost", "newest")
_NEWEST = Keyset((("answered_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class CreditView:
    """Of one template: ``people`` who have credits ``left``; ``accepted`` = left + used + lost."""

    account_name: str
    template: str
    name: str
    is_lasting: bool
    people: int
    accepted: int
    rejected: int
    banned: int
    left: int
    used: int
    lost: int
    newest: dt.datetime | None


@dataclass(frozen=True, slots=True)
class AnswerView:
    """``evidence``: app, vendor or both, who told us."""

    id: int
    person_id: int
    person_name: str
    template: str
    name: str
    answer: str
    state: str
    lost_by: str
    evidence: str
    answered_at: dt.datetime
    ended_at: dt.datetime | None


def credit_views(viewer: Viewer) -> list[CreditView]:
    """Every template that somebody in scope was asked about, by account. Raises NotAllowed."""
    require(viewer, VIEW)
    names = _names()
    accounts = dict(ChannelAccount.objects.filter(channel="mini").values_list("id", "name"))
    rows = visible(SubscriptionAnswer.objects.all(), viewer, VIEW, COLUMNS)
    open_states = Q(state__in=["open", "held"])
    grouped = (
        rows.values_list("account_id", "template", "is_lasting")
        .annotate(
            people=Count("person_id", filter=open_states, distinct=True),
            accepted=Count("id", filter=Q(answer="accept")),
            rejected=Count("id", filter=Q(answer="reject")),
            banned=Count("id", filter=Q(answer="ban")),
            left=Count("id", filter=open_states),
            used=Count("id", filter=Q(state="used")),
            lost=Count("id", filter=Q(state="lost")),
            newest=Max("answered_at"),
        )
        .order_by("account_id", "template")
    )
    return [
        CreditView(
            accounts.get(account_id, ""),
            template,
            names.get((account_id, template), ""),
            is_lasting,
            **dict(zip(COUNTS, counts, strict=True)),
        )
        for account_id, template, is_lasting, *counts in grouped
    ]


def subscription_answers(
    viewer: Viewer, *, template: str = "", state: str = "", cursor: str | None = None, limit: int = 30
) -> Listing[AnswerView]:
    """What members in scope answered, newest first. Raises NotAllowed, BadCursor."""
    require(viewer, VIEW)
    rows = visible(SubscriptionAnswer.objects.select_related("person"), viewer, VIEW, COLUMNS)
    if template:
        rows = rows.filter(template=template)
    if state:
        rows = rows.filter(state=state)
    page = _NEWEST.page(rows, cursor, limit)
    names = _names()
    shown = [
        AnswerView(
            row.pk,
            row.person_id,
            row.person.name,
            row.template,
            names.get((row.account_id, row.template), ""),
            row.answer,
            row.state,
            row.lost_by,
            "both" if row.app_key and row.vendor_key else "app" if row.app_key else "vendor",
            row.answered_at,
            row.ended_at,
        )
        for row in page.items
    ]
    return Listing(shown, page.next_cursor, page.previous_cursor)


def credits_left(viewer: Viewer, person_id: int) -> dict[str, int]:
    """How many messages of each template a member may still be sent; a lasting acceptance counts as one. Raises NotFound."""
    person = customers.visible_person(person_id, viewer)
    rows = SubscriptionAnswer.objects.filter(person_id__in=customers.family(person.id), state="open")
    return dict(rows.values_list("template").annotate(n=Count("id")).order_by("template"))


def _names() -> dict[tuple[int, str], str]:
    """What the house calls a vendor's template, by account and number."""
    told = VendorTemplate.objects.filter(account__channel="mini").select_related("version__template")
    return {(one.account_id, one.vendor_code): one.version.template.name for one in told.order_by("id")}
