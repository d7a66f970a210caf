"""Who did what to what, when, why, and what it was before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from zhike.kernel import clock, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.dates import date_of
from zhike.ui.console.pages import fragment, malls_of, page, wants_fragment

VIEW = "audit.view"
SUBJECT_URLS = {
    "member": "console:member",
    "receipt": "console:receipt",
    "merchant": "console:merchant",
    "staff": "console:staff_member",
    "rule": "console:rule",
    "import": "console:import",
    "parked_event": "console:parked_event",
}


@dataclass(frozen=True)
class Difference:
    name: str
    before: Any
    after: Any


@staff_page(VIEW)
def audit(request: StaffRequest) -> HttpResponse:
    filters = {name: request.GET.get(name, "").strip() for name in ("actor", "action", "subject", "request")}
    day_from, day_to = date_of(request.GET.get("from")), date_of(request.GET.get("to"))
    zone = _zone(request)
    found = queries.search_audit(
        request.viewer,
        actor=filters["actor"],
        action=filters["action"],
        subject=_subject(filters["subject"]),
        request_id=filters["request"],
        since=clock.day_bounds(day_from, zone)[0] if day_from else None,
        until=clock.day_bounds(day_to, zone)[1] if day_to else None,
        cursor=request.GET.get("cursor"),
    )
    rows = [
        {
            "entry": entry,
            "differences": differences(entry.before, entry.after),
            "url": _subject_url(entry.subject_kind, entry.subject_id),
        }
        for entry in found.items
    ]
    context = {"page": found, "rows": rows, "filters": filters, "day_from": day_from, "day_to": day_to}
    if wants_fragment(request):
        return fragment(request, "console/audit/_rows.html", context)
    context["actions"] = queries.audit_actions(request.viewer)
    context["actors"] = _actors(request)
    return page(request, "console/audit/list.html", context, section="audit")


def _subject_url(kind: str, identifier: str) -> str:
    """The page of what was touched, where there is one."""
    name = SUBJECT_URLS.get(kind)
    if name is None:
        return ""
    try:
        return reverse(name, args=[identifier])
    except NoReverseMatch:
        return ""


def _subject(text: str) -> tuple[str, str] | None:
    """ "member/12" → ("member", "12")."""
    kind, slash, identifier = text.partition("/")
    return (kind, identifier) if slash and kind and identifier else None


def _actors(request: StaffRequest) -> list[tuple[str, str]]:
    """Staff for the filter; programs and jobs are found by typing their audit id into the address."""
    if not request.viewer.may("staff.manage"):
        return []
    people = [(f"staff:{member.id}", member.name) for member in organization.staff_list(request.viewer)]
    return [*people, ("system:simulator", _("Simulator"))]


def _zone(request: StaffRequest) -> str:
    malls = malls_of(request)
    mall = malls.chosen or (malls.all[0] if malls.all else None)
    return mall.time_zone if mall else "Asia/Shanghai"


def differences(before: Any, after: Any) -> list[Difference]:
    """Field by field; a side that is not an object counts as one field."""
    old = before if isinstance(before, dict) else {"": before} if before is not None else {}
    new = after if isinstance(after, dict) else {"": after} if after is not None else {}
    names = [*new, *(name for name in old if name not in new)]
    return [Difference(name, old.get(name), new.get(name)) for name in names]
