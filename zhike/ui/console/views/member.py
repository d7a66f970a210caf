"""One member in full: who they are, what they have, what happened, why."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.insight import queries as insight
from zhike.kernel.errors import NotFound
from zhike.loyalty import queries
from zhike.loyalty.queries import MemberFile
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy
from zhike.risk import queries as risk
from zhike.sales import queries as sales
from zhike.ui.components import classes as class_words
from zhike.ui.components import stages
from zhike.ui.components import standing as words
from zhike.ui.components.clusters import name_of
from zhike.ui.components.formatting import day, grouped
from zhike.ui.components.purchases import bought_in_words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.event_text import behaviour_named, tell
from zhike.ui.console.labels import TIMELINE_KINDS
from zhike.ui.console.pages import fragment, page, permissions
from zhike.ui.console.programmes import tier_names
from zhike.ui.console.views import journeys
from zhike.ui.console.views.churn import score_parts

VIEW = "members.view"
TABS = {
    "overview": _("Overview"),
    "persona": _("Persona"),
    "receipts": _("Receipts"),
    "points": _("Points"),
    "timeline": _("Timeline"),
    "profile": _("Profile"),
    "consents": _("Consents"),
}
TAB_TARGET = "member-tab"
TIMELINE_TARGET = "timeline"
MERCHANTS_MATCHED = 50
RECENT = 6


@staff_page(VIEW)
def member(request: StaffRequest, member_id: int, tab: str = "overview") -> HttpResponse:
    """The page, or the tab alone when htmx asked for it."""
    if tab not in TABS:
        raise NotFound
    file = queries.member_file(request.viewer, member_id, request.now)
    context: dict[str, Any] = {
        "file": file,
        "person": file.person,
        "tab": tab,
        "tab_template": f"console/members/tabs/{tab}.html",
        "tabs": _tabs(request, member_id, tab),
        "may": _may(request),
        **_CONTENTS[tab](request, file),
    }
    if tab == "timeline" and request.htmx.target == TIMELINE_TARGET:
        return fragment(request, "console/members/_timeline.html", context)
    if request.htmx.target == TAB_TARGET and not request.htmx.history_restore_request:
        return fragment(request, "console/members/_tab.html", context)
    context |= {
        "risk_alerts": _risk_alerts(request, file),
        "phone": file.person.active("phone"),
        "mall": organization.mall(file.mall_id) if file.mall_id else None,
        "merchant": organization.merchant_ref(file.merchant_id) if file.merchant_id else None,
    }
    return page(request, "console/members/member.html", context, section="members")


def _risk_alerts(request: StaffRequest, file: queries.MemberFile) -> list[risk.AlertRow]:
    """Why a member's points are frozen, for those who may know."""
    if not file.restraint or not request.viewer.may("risk.view"):
        return []
    return risk.alerts_of_member(request.viewer, file.member_id, limit=3)


def _tabs(request: StaffRequest, member_id: int, current: str) -> list[dict[str, Any]]:
    needs = {"receipts": "receipts.view", "points": "points.view", "persona": "segments.view"}
    return [
        {"label": label, "url": tab_url(member_id, tab), "active": tab == current}
        for tab, label in TABS.items()
        if request.viewer.may(needs.get(tab, VIEW))
    ]


def tab_url(member_id: int, tab: str) -> str:
    if tab == "overview":
        return reverse("console:member", args=[member_id])
    return reverse("console:member_tab", args=[member_id, tab])


def _may(request: StaffRequest) -> dict[str, bool]:
    return permissions(
        request,
        adjust="points.adjust",
        redeem="points.redeem",
        edit="members.edit",
        identity="members.identity",
        reveal="members.reveal",
        merge="members.merge",
        rights="rights.ask",
        receipts="receipts.view",
        points="points.view",
    )


# --- the tabs ------------------------------------------------------------


def _overview(request: StaffRequest, file: MemberFile) -> dict[str, Any]:
    activity = queries.activity_of(file.member_id)
    context: dict[str, Any] = {
        "events": _events(request, file, None, RECENT)[0],
        "activity": activity,
        "visits_note": _since(activity.first_purchase_at),
        "spent_note": _purchases_and_returns(activity),
    }
    if request.viewer.may("campaigns.view"):
        context["journeys"] = journeys.lines_of_member(request, file.person.id)
    if request.viewer.may("receipts.view"):
        found = sales.receipts_of_person(file.person.id, limit=RECENT)
        context["receipts"] = _with_points(found.items)
        context["favourites"] = sales.favourite_merchants(file.person.id)
    return context


def _since(first: dt.datetime | None) -> str:
    return gettext("since %(day)s") % {"day": day(first)} if first else ""


def _purchases_and_returns(activity: queries.ActivityView) -> str:
    purchases = ngettext("%(count)s purchase", "%(count)s purchases", activity.purchases)
    parts = [purchases % {"count": grouped(activity.purchases)}]
    if activity.returns:
        returns = ngettext("%(count)s return", "%(count)s returns", activity.returns)
        parts.append(returns % {"count": grouped(activity.returns)})
    return " · ".join(parts)


def _receipts(request: StaffRequest, file: MemberFile) -> dict[str, Any]:
    _require(request, "receipts.view")
    found = sales.receipts_of_person(file.person.id, request.GET.get("cursor"))
    return {"page": found, "receipts": _with_points(found.items)}


def _with_points(rows: list[sales.ReceiptRow]) -> list[dict[str, Any]]:
    points = queries.points_of_receipts([row.id for row in rows])
    return [{"row": row, "award": points.get(row.id)} for row in rows]


def _points(request: StaffRequest, file: MemberFile) -> dict[str, Any]:
    _require(request, "points.view")
    cursor = request.GET.get("cursor")
    found = queries.statement(request.viewer, file.member_id, cursor)
    context: dict[str, Any] = {"page": found}
    if cursor is None:
        redemptions = queries.redemptions(request.viewer, file.member_id)
        bought = bought_in_words(redemptions)
        context["redemptions"] = [
            {
                "redemption": one,
                "bought": bought.get(one.redemption_id, ""),
                "merchant": organization.merchant_ref(one.merchant_id) if one.merchant_id else None,
            }
            for one in redemptions
        ]
    return context


def _timeline(request: StaffRequest, file: MemberFile) -> dict[str, Any]:
    kind, text = request.GET.get("kind", ""), request.GET.get("q", "")
    search = queries.Search(text, _merchants_named(request, text), behaviour_named(text)) if text else None
    events, found = _events(request, file, request.GET.get("cursor"), 30, kind=kind, search=search)
    return {"page": found, "events": events, "kind": kind, "query": text, "kinds": TIMELINE_KINDS}


def _merchants_named(request: StaffRequest, text: str) -> list[int]:
    wanted = text.strip().casefold()
    known = organization.merchants(request.viewer) if request.viewer.may("organization.view") else []
    return [merchant.id for merchant in known if wanted in merchant.name.casefold()][:MERCHANTS_MATCHED]


def _events(
    request: StaffRequest,
    file: MemberFile,
    cursor: str | None,
    limit: int,
    *,
    kind: str = "",
    search: queries.Search | None = None,
) -> tuple[list[Any], Any]:
    found = queries.timeline(request.viewer, file.member_id, cursor, limit, kind=kind, search=search)
    tiers = tier_names(request)
    events = [
        {"at": item.time, "actor": item.actor, "told": tell(item.type, item.data, tiers), "mark": item.mark}
        for item in found.items
    ]
    return events, found


def _persona(request: StaffRequest, file: MemberFile) -> dict[str, Any]:
    _require(request, "segments.view")
    likes = insight.persona(request.viewer, file.person.id, request.now)
    if likes is None:
        return {"refused": True}
    standing = insight.standing_of(file.member_id)
    forecast = insight.forecast_of(file.member_id)
    score = insight.churn_of(file.member_id)
    context: dict[str, Any] = {
        "standing": standing,
        "forecast": forecast,
        "leaving": score_parts(score) if score else None,
        "persona": words.persona_parts(likes),
        "cluster": _cluster(file.member_id),
        "classes": _classes(file.member_id),
    }
    if standing is not None:
        context |= {
            "stage_name": stages.STAGES[standing.stage],
            "stage_tone": stages.STAGE_TONES[standing.stage],
            "stage_icon": stages.STAGE_ICONS[standing.stage],
            "rfm_name": stages.RFM[standing.rfm],
            "strategy": stages.STRATEGIES.get(standing.rfm, ""),
            "scores": "R{} F{} M{}".format(*standing.scores) if standing.scores else "",
        }
    return context


def _classes(member_id: int) -> list[dict[str, Any]]:
    """Kind, class and since when."""
    found = insight.classes_of(member_id)
    return [
        {
            "kind": name,
            "icon": class_words.ICONS[kind],
            "name": class_words.NAMES[kind][getattr(found, kind)],
            "since": getattr(found, f"{kind}_since"),
        }
        for kind, name in class_words.KINDS.items()
        if found
    ]


def _cluster(member_id: int) -> dict[str, Any] | None:
    found = insight.cluster_of(member_id)
    return {"id": found.id, "name": name_of(found), "run": found.run_id} if found else None


def _profile(request: StaffRequest, file: MemberFile) -> dict[str, Any]:
    associate = None
    if file.person.associate_id:
        associate = organization.staff_member(file.person.associate_id).name
    return {"history": customers.profile_history(file.person.id), "associate": associate}


def _consents(request: StaffRequest, file: MemberFile) -> dict[str, Any]:
    return {
        "current": privacy.current_consents(file.person.id),
        "history": privacy.consent_history(file.person.id),
    }


def _require(request: StaffRequest, permission: str) -> None:
    if not request.viewer.may(permission):
        raise NotFound


_CONTENTS = {
    "overview": _overview,
    "persona": _persona,
    "receipts": _receipts,
    "points": _points,
    "timeline": _timeline,
    "profile": _profile,
    "consents": _consents,
}
