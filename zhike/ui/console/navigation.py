"""The menu: what a member of staff may open, in the order of their day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, may_touch


@dataclass(frozen=True)
class Entry:
    """`section` marks the entry of the current page; `everywhere`: a permission at one mall only is not enough."""

    section: str
    label: Any
    icon: str
    permission: str
    url_name: str
    demo_only: bool = False
    everywhere: bool = False

    def is_open_to(self, viewer: Viewer) -> bool:
        if self.demo_only and not settings.DEMO:
            return False
        return may_touch(viewer, self.permission) if self.everywhere else viewer.may(self.permission)


MENU: tuple[tuple[Any, tuple[Entry, ...]], ...] = (
    (
        "",
        (
            Entry("dashboard", _("Dashboard"), "layout-dashboard", "dashboard.view", "console:dashboard"),
            Entry("members", _("Members"), "users-round", "members.view", "console:members"),
            Entry("segments", _("Segments"), "users", "segments.view", "console:segments"),
            Entry("tags", _("Tags"), "tags", "segments.view", "console:tags"),
            Entry("standing", _("Lifecycle and value"), "radar", "segments.view", "console:standing"),
            Entry("lifetime", _("Future value"), "trending-up", "segments.view", "console:lifetime"),
            Entry("churn", _("Risk of leaving"), "door-open", "segments.view", "console:churn"),
            Entry("classes", _("Classifications"), "list-tree", "segments.view", "console:classes"),
            Entry("reports", _("Descriptive reports"), "chart-column", "segments.view", "console:reports"),
            Entry("clusters", _("Clusters"), "shapes", "segments.view", "console:clusters"),
            Entry(
                "model_cards",
                _("Model cards"),
                "gauge",
                "segments.view",
                "console:model_cards",
                everywhere=True,
            ),
            Entry(
                "figures",
                _("Cohorts and funnel"),
                "chart-column",
                "segments.view",
                "console:history_figures",
                everywhere=True,
            ),
            Entry("baskets", _("Bought together"), "shopping-basket", "segments.view", "console:baskets"),
            Entry(
                "associates", _("Sales associates"), "contact-round", "members.identity", "console:associates"
            ),
            Entry(
                "staff_contacts",
                _("WeCom contacts"),
                "contact-round",
                "members.identity",
                "console:staff_contacts",
            ),
            Entry(
                "recommendations",
                _("Recommendations"),
                "sparkles",
                "segments.view",
                "console:recommendations",
            ),
            Entry("identity", _("One person, one record"), "merge", "members.merge", "console:suggestions"),
            Entry("receipts", _("Receipts"), "receipt-text", "receipts.view", "console:receipts"),
            Entry(
                "photo_claims",
                _("Photographed receipts"),
                "camera",
                "photo_claims.review",
                "console:photo_claims",
            ),
            Entry("redemptions", _("Redemptions"), "hand-coins", "points.view", "console:redemptions"),
            Entry("counter", _("Counter"), "scan-line", "members.lookup", "counter:home"),
        ),
    ),
    (
        _("Service"),
        (
            Entry("inbox", _("Conversations"), "inbox", "tickets.view", "console:inbox"),
            Entry("lines", _("Ways in"), "mail-plus", "tickets.manage", "console:lines"),
            Entry("word_alerts", _("Word alerts"), "shield-alert", "tickets.handle", "console:word_alerts"),
            Entry("quality", _("Quality reviews"), "clipboard-check", "quality.view", "console:quality"),
            Entry("knowledge", _("Knowledge"), "book-open", "tickets.handle", "console:knowledge"),
            Entry("assistant", _("Assistant"), "bot", "tickets.handle", "console:assistant"),
            Entry("service", _("Service desk"), "headset", "tickets.view", "console:service"),
            Entry("service_tasks", _("Tasks"), "list-todo", "tickets.view", "console:service_tasks"),
            Entry(
                "after_sales", _("Returns and repairs"), "package-open", "tickets.view", "console:after_sales"
            ),
            Entry("compensations", _("Amends"), "gift", "tickets.view", "console:compensations"),
            Entry("surveys", _("Surveys"), "star", "tickets.handle", "console:surveys"),
            Entry("listening", _("What people say"), "quote", "tickets.handle", "console:listening"),
            Entry("service_board", _("Service board"), "gauge", "tickets.handle", "console:service_board"),
            Entry("improvement", _("Improvement"), "trending-down", "tickets.handle", "console:improvement"),
            Entry(
                "service_settings",
                _("Hours and promises"),
                "alarm-clock",
                "tickets.view",
                "console:service_settings",
            ),
        ),
    ),
    (
        _("Loyalty"),
        (
            Entry("programme", _("Programme"), "sliders-horizontal", "programme.view", "console:programme"),
            Entry("tiers", _("Tiers"), "gem", "programme.view", "console:tiers"),
            Entry(
                "tier_exceptions", _("Exceptions of tiers"), "gem", "tiers.grant", "console:tier_exceptions"
            ),
            Entry("benefits", _("Tier benefits"), "badge-check", "rewards.view", "console:benefits"),
            Entry("rules", _("Earning rules"), "scroll-text", "programme.view", "console:rules"),
            Entry("rates", _("Redemption rates"), "badge-japanese-yen", "programme.view", "console:rates"),
            Entry("oversight", _("Oversight"), "radar", "risk.view", "console:oversight"),
            Entry(
                "adjustments",
                _("Corrections of points"),
                "pencil-line",
                "points.adjust",
                "console:adjustments",
            ),
            Entry("waivers", _("Waivers of debt"), "hand-coins", "points.waive", "console:waivers"),
            Entry("replays", _("Time machine"), "history", "programme.edit", "console:replays"),
            Entry(
                "liability",
                _("Points liability"),
                "scale",
                "finance.view",
                "console:liability",
                everywhere=True,
            ),
            Entry("policy", _("Privacy policy"), "shield", "programme.view", "console:policy"),
        ),
    ),
    (
        _("Offers"),
        (
            Entry("campaigns", _("Campaigns"), "megaphone", "campaigns.view", "console:campaigns"),
            Entry("journeys", _("Journeys"), "route", "campaigns.view", "console:journeys"),
            Entry("forms", _("Forms"), "clipboard-list", "forms.view", "console:forms"),
            Entry("coupons", _("Coupons"), "ticket-percent", "offers.view", "console:coupons"),
            Entry("promotions", _("Promotions"), "badge-percent", "offers.view", "console:promotions"),
            Entry(
                "gifts", _("Gifts for purchases"), "package-plus", "rewards.view", "console:gift_campaigns"
            ),
            Entry("rewards", _("Points mall"), "gift", "rewards.view", "console:rewards"),
        ),
    ),
    (
        _("Engagement"),
        (
            Entry("check_ins", _("Daily check-in"), "calendar-check", "engagement.view", "console:check_ins"),
            Entry("birthdays", _("Birthday gifts"), "cake", "engagement.view", "console:birthdays"),
            Entry("referrals", _("Invitations"), "user-round-plus", "engagement.view", "console:referrals"),
            Entry("welcomes", _("Welcome offer"), "party-popper", "engagement.view", "console:welcomes"),
            Entry("stamps", _("Stamp cards"), "grid-2x2-check", "engagement.view", "console:stamp_cards"),
            Entry("missions", _("Missions"), "list-checks", "engagement.view", "console:missions"),
        ),
    ),
    (
        _("Mall"),
        (
            Entry("merchants", _("Merchants"), "store", "organization.view", "console:merchants"),
            Entry("structure", _("Malls and floors"), "building-2", "organization.view", "console:structure"),
        ),
    ),
    (
        _("Messages"),
        (
            Entry("sending", _("Sending messages"), "send", "messages.view", "console:sending"),
            Entry(
                "message_templates",
                _("Wordings"),
                "text-quote",
                "messages.view",
                "console:message_templates",
            ),
            Entry(
                "channels",
                _("Channels"),
                "radio-tower",
                "channels.manage",
                "console:channels",
                everywhere=True,
            ),
        ),
    ),
    (
        _("Data"),
        (
            Entry("rights", _("Privacy requests"), "shield-user", "rights.view", "console:rights"),
            Entry("data_catalogue", _("Personal data"), "book-lock", "rights.view", "console:data_catalogue"),
            Entry("retention", _("Retention"), "timer-reset", "rights.view", "console:retention"),
            Entry(
                "compliance",
                _("Compliance reports"),
                "clipboard-check",
                "rights.view",
                "console:compliance",
                everywhere=True,
            ),
            Entry("imports", _("Imports"), "file-up", "imports.view", "console:imports"),
            Entry("connectors", _("Connectors"), "cable", "imports.view", "console:connectors"),
            Entry(
                "history",
                _("Columnar history"),
                "database",
                "segments.view",
                "console:history",
                everywhere=True,
            ),
            Entry("sources", _("Web sites and apps"), "radio-tower", "collection.view", "console:sources"),
            Entry(
                "parked_events",
                _("Parked events"),
                "inbox",
                "events.replay",
                "console:parked_events",
                everywhere=True,
            ),
            Entry("ledger", _("Ledger proof"), "stamp", "ledger.verify", "console:ledger"),
            Entry("audit", _("Audit"), "shield-check", "audit.view", "console:audit", everywhere=True),
        ),
    ),
    (
        _("Administration"),
        (
            Entry("staff", _("Staff"), "contact-round", "staff.manage", "console:staff"),
            Entry("api_keys", _("API keys"), "key-round", "apikeys.manage", "console:api_keys"),
            Entry(
                "webhooks", _("Webhooks"), "webhook", "webhooks.manage", "console:webhooks", everywhere=True
            ),
            Entry("outbox", _("Outbox"), "smartphone", "outbox.view", "console:outbox", demo_only=True),
        ),
    ),
)


OPENED_COOKIE = "zhike_menu"
"""Keys of the groups that this browser has open, joined by dots; written by menu.js."""
SHORT = 16


def menu_for(viewer: Viewer, section: str, opened: str | None = None) -> list[dict[str, Any]]:
    """The groups of the sidebar that are not empty for this viewer.

    Open are the group of the current page and those in ``opened``, the cookie; a short menu is open until somebody closes it.
    """
    groups = []
    for label, entries in MENU:
        items = [_item(entry, section) for entry in entries if entry.is_open_to(viewer)]
        if items:
            groups.append({"key": entries[0].section, "label": label, "items": items})
    is_short = opened is None and sum(len(group["items"]) for group in groups) <= SHORT
    keys = (opened or "").split(".")
    for group in groups:
        group["open"] = is_short or group["key"] in keys or any(item["active"] for item in group["items"])
    return groups


def _item(entry: Entry, section: str) -> dict[str, Any]:
    return {
        "label": entry.label,
        "icon": entry.icon,
        "url": reverse(entry.url_name),
        "active": entry.section == section,
    }


def home_url(viewer: Viewer) -> str:
    """Where this viewer's day begins: the first page of the menu that they may open."""
    for _label, entries in MENU:
        for entry in entries:
            if entry.is_open_to(viewer):
                return reverse(entry.url_name)
    return reverse("console:account")
