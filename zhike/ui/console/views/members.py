"""The list of members: found, filtered, exported, frozen together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from zhike.kernel import clock
from zhike.kernel.errors import Problem
from zhike.kernel.money import yuan_text
from zhike.kernel.paging import Listing
from zhike.loyalty import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.dates import date_of
from zhike.ui.console.forms.members import BulkForm
from zhike.ui.console.labels import MEMBER_STATUSES
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions, wants_fragment
from zhike.ui.console.programmes import first_programme

VIEW = "members.view"
EXPORT = "members.export"
EXPORT_PAGE = 200


@staff_page(VIEW)
def members(request: StaffRequest) -> HttpResponse:
    filters = filters_of(request)
    found = queries.members_page(request.viewer, **filters, cursor=request.GET.get("cursor"))
    total, is_capped = _count(request, filters, found)
    context: dict[str, Any] = {
        "page": found,
        "filters": filters,
        "given": request.GET,
        "total": total,
        "is_capped": is_capped,
        "may": permissions(request, edit="members.edit", export=EXPORT),
    }
    if wants_fragment(request):
        return fragment(request, "console/members/_rows.html", context)
    malls = malls_of(request)
    programme = first_programme(request)
    context["malls_choice"] = malls
    context["tiers"] = queries.tiers(programme.id) if programme else []
    context["merchants"] = organization.merchants(request.viewer, malls.chosen_id, VIEW)
    context["statuses"] = MEMBER_STATUSES.items()
    return page(request, "console/members/list.html", context, section="members")


def _count(
    request: StaffRequest, filters: dict[str, Any], found: Listing[queries.MemberRow]
) -> tuple[int, bool]:
    """How many fit, and whether there are even more; a list that ends on its first page is its own answer."""
    if found.next_cursor is None and found.previous_cursor is None:
        return len(found.items), False
    return queries.members_count(request.viewer, **filters)


def filters_of(request: StaffRequest) -> dict[str, Any]:
    """The list's filters out of the address; what makes no sense is left out."""
    given = request.GET
    day_from, day_to = date_of(given.get("from")), date_of(given.get("to"))
    zone = timezone.get_default_timezone_name()
    return {
        "q": given.get("q", "").strip()[:80],
        "tier_id": _id(given.get("tier")),
        "mall_id": malls_of(request).chosen_id,
        "merchant_id": _id(given.get("merchant")),
        "status": given.get("status", "") if given.get("status") in MEMBER_STATUSES else "",
        "enrolled_from": clock.day_bounds(day_from, zone)[0] if day_from else None,
        "enrolled_to": clock.day_bounds(day_to, zone)[1] if day_to else None,
    }


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 18 else None


# --- many at once ------------------------------------------------------------


@require_POST
@staff_page("members.edit")
def bulk_status(request: StaffRequest) -> HttpResponse:
    """Freeze or reopen the ticked members; without a reason yet, ask for it in a dialog."""
    asks = "reason" not in request.POST
    form = BulkForm(request.POST)
    if asks:
        form = BulkForm(initial={"ids": request.POST.getlist("ids"), "status": request.POST.get("status")})
    elif form.is_valid():
        try:
            changed = operations.set_member_statuses(
                actor=request.viewer,
                member_ids=form.cleaned_data["ids"],
                status=form.cleaned_data["status"],
                reason=form.cleaned_data["reason"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            sentence = ngettext("%(count)s member changed.", "%(count)s members changed.", changed)
            url = (request.htmx.current_url_abs_path if request.htmx else None) or reverse("console:members")
            return done(request, sentence % {"count": changed}, url)
    return _ask_why(request, form, len(request.POST.getlist("ids")), asks=asks)


def _ask_why(request: StaffRequest, form: BulkForm, count: int, *, asks: bool) -> HttpResponse:
    titles = {
        "frozen": ngettext("Freeze %(count)s member", "Freeze %(count)s members", count),
        "active": ngettext("Reopen %(count)s member", "Reopen %(count)s members", count),
        "closed": ngettext("Close %(count)s member", "Close %(count)s members", count),
    }
    title = titles.get(request.POST.get("status", ""), titles["frozen"]) % {"count": count}
    context = {"form": form, "title": title, "action": request.path, "label": _("Go on")}
    return fragment(request, "console/_form_dialog.html", context, status=200 if asks else 422)


@require_POST
@staff_page(EXPORT)
def export(request: StaffRequest) -> HttpResponseBase:
    """The filtered list as CSV, identifiers masked, streamed page by page; audited before the first row."""
    filters = filters_of(request)
    shown = {name: str(value) for name, value in filters.items() if value not in (None, "")}
    operations.begin_member_export(actor=request.viewer, filters=shown, now=request.now)
    header = [
        _("Member number"), _("Name"), _("Phone"), _("Tier"), _("Status"), _("Points"), _("Debt"),
        _("Qualifying spend (yuan)"), _("Mall"), _("Enrolled at"),
    ]  # fmt: skip
    name = f"members-{request.now:%Y%m%d-%H%M%S}"
    return csv_response(name, header, _export_rows(request, filters))


def _export_rows(request: StaffRequest, filters: dict[str, Any]) -> Iterator[list[object]]:
    cursor: str | None = None
    while True:
        found = queries.members_page(request.viewer, **filters, cursor=cursor, limit=EXPORT_PAGE)
        for row in found.items:
            yield [
                row.number, row.name, row.phone_masked, row.tier.name, str(MEMBER_STATUSES.get(row.status, row.status)),
                row.balance, row.debt, yuan_text(row.qualifying_fen), row.mall_name, _local(row.enrolled_at),
            ]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


def _local(at: dt.datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M")
