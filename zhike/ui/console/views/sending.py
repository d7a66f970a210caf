"""What became of messages: the funnel, refusals by reason, the messages behind each figure, when and how often we write."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.errors import Problem
from zhike.messaging import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.formatting import grouped, yuan
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import message_labels
from zhike.ui.console.dates import date_of
from zhike.ui.console.forms.messaging import PolicyForm
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions, wants_fragment

VIEW = "messages.view"
MANAGE = "channels.manage"
DAYS = 30
NAMES = ("channel", "kind", "campaign", "template", "status", "gate", "reason")


@staff_page(VIEW)
def sending(request: StaffRequest) -> HttpResponse:
    wanted, days = _filter(request)
    found = queries.sending(request.viewer, wanted)
    context: dict[str, Any] = {
        "wanted": wanted,
        "days": days,
        "funnel": found.funnel,
        "tiles": _tiles(request, found.funnel),
        "refusals": [(one, _url(request, gate=one.gate, reason=one.reason)) for one in found.refusals],
        "chart": _chart(found.funnel),
        "channels": message_labels.CHANNELS.items(),
        "kinds": message_labels.MESSAGE_KINDS.items(),
    }
    if wants_fragment(request):
        return fragment(request, "console/messaging/_sending.html", context)
    context |= {
        "policy": _policy_rows(queries.policy(request.viewer, request.now)),
        "replies": queries.replies(request.viewer, limit=5).items,
        "suppressed": queries.suppressed_count(),
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/messaging/sending.html", context, section="sending")


@staff_page(VIEW)
def sent_messages(request: StaffRequest) -> HttpResponse:
    """The messages behind a figure of the funnel."""
    wanted, days = _filter(request)
    context = {
        "wanted": wanted,
        "days": days,
        "page": queries.messages(request.viewer, wanted, request.GET.get("cursor")),
        "channels": message_labels.CHANNELS.items(),
        "statuses": message_labels.MESSAGE_STATUSES.items(),
        "gates": message_labels.GATES.items(),
    }
    if wants_fragment(request):
        return fragment(request, "console/messaging/_messages.html", context)
    return page(request, "console/messaging/messages.html", context, section="sending")


@staff_page(MANAGE)
def edit_policy(request: StaffRequest) -> HttpResponse:
    known = queries.policy(request.viewer, request.now)
    form = PolicyForm(request.POST or None, initial=PolicyForm.initial_of(known))
    if request.method == "POST" and form.is_valid():
        try:
            operations.save_policy(
                actor=request.viewer,
                group_id=organization.default_group().id,
                changes=form.changes,
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved; it holds from the next message on."), reverse("console:sending"))
    return page(request, "console/messaging/policy_form.html", {"form": form}, section="sending")


def _filter(request: StaffRequest) -> tuple[queries.Filter, dict[str, dt.date]]:
    """Whole days of the mall; by default the last 30."""
    zone = _zone(request)
    today = request.now.astimezone(zone).date()
    last = date_of(request.GET.get("to")) or today
    first = date_of(request.GET.get("from")) or last - dt.timedelta(days=DAYS - 1)
    given = {name: request.GET.get(name, "").strip()[:80] for name in NAMES}
    since, until = clock.day_bounds(first, zone)[0], clock.day_bounds(last, zone)[1]
    is_final = request.GET.get("final") == "1"
    return queries.Filter(since, until, **given, is_final=is_final), {"first": first, "last": last}


def _zone(request: StaffRequest) -> ZoneInfo:
    chosen = malls_of(request).chosen
    return ZoneInfo(chosen.time_zone if chosen else settings.TIME_ZONE)


def _url(request: StaffRequest, **more: str) -> str:
    """The messages behind a figure, in the same days and with the same choices."""
    query = {name: value for name, value in request.GET.items() if value and name != "cursor"} | more
    return f"{reverse('console:sent_messages')}?{urlencode(query)}"


def _tiles(request: StaffRequest, funnel: queries.Funnel) -> list[dict[str, Any]]:
    people = _("%(count)s people") % {"count": grouped(funnel.people)}
    return [
        {"label": _("Written"), "value": grouped(funnel.written), "url": _url(request)},
        {
            "label": _("Sent"),
            "value": grouped(funnel.sent),
            "url": _url(request, status="went"),
            "note": people,
        },
        {
            "label": _("Not sent"),
            "value": grouped(funnel.refused),
            "url": _url(request, status="stopped", final="1"),
        },
        {"label": _("Waiting"), "value": grouped(funnel.waiting), "url": _url(request, status="waiting")},
        {
            "label": _("Delivered"),
            "value": grouped(funnel.delivered),
            "url": _url(request, status="delivered"),
        },
        {
            "label": _("Failed"),
            "value": grouped(funnel.failed),
            "url": _url(request, status="failed", final="1"),
        },
        {"label": _("Unknown"), "value": grouped(funnel.unknown), "url": _url(request, status="unknown")},
        {"label": _("Cost"), "value": yuan(funnel.cost // 1_000), "url": _url(request, status="went")},
    ]


def _chart(funnel: queries.Funnel) -> dict[str, Any]:
    steps = [
        (_("Written"), funnel.written),
        (_("Sent"), funnel.sent),
        (_("Delivered"), funnel.delivered),
        (_("Opened"), funnel.opened),
    ]
    return {
        "kind": "funnel",
        "unit": "count",
        "categories": [name for name, _value in steps],
        "series": [{"name": _("Messages"), "values": [value for _name, value in steps]}],
    }


def _policy_rows(policy: queries.PolicyView) -> list[tuple[str, str]]:
    def caps(per_channel: Any, total: int) -> str:
        parts = [_("%(count)s in all") % {"count": total}] if total else []
        parts += [
            f"{message_labels.CHANNELS.get(channel, channel)} {cap}"
            for channel, cap in per_channel.items()
            if cap
        ]
        return _(", ").join(parts) or _("no cap")

    quiet = f"{policy.quiet_from:%H:%M}–{policy.quiet_until:%H:%M}"
    fate = _("postponed") if policy.when_quiet == "postpone" else _("dropped")
    budget = _("no limit")
    if policy.budget_fen is not None:
        budget = f"{yuan(policy.spent_fen)} / {yuan(policy.budget_fen)}"
    return [
        (_("Quiet hours"), f"{quiet}{_(', ')}{fate}"),
        (_("Public holidays"), _("quiet too") if policy.skips_holidays else _("like other days")),
        (_("Offers a day"), caps(policy.channel_per_day, policy.total_per_day)),
        (_("Offers in 30 days"), caps(policy.channel_per_month, policy.total_per_month)),
        (_("Budget of the month"), budget),
    ]


@staff_page(VIEW)
def message_credits(request: StaffRequest) -> HttpResponse:
    """What members accepted of the mini-program's templates, what messages used up and what is left."""
    template, state = (request.GET.get(name, "").strip()[:60] for name in ("template", "state"))
    found = queries.subscription_answers(
        request.viewer, template=template, state=state, cursor=request.GET.get("cursor")
    )
    context = {"page": found, "template": template, "state": state}
    if wants_fragment(request):
        return fragment(request, "console/messaging/_answers.html", context)
    rows = queries.credit_views(request.viewer)
    context |= {
        "rows": rows,
        "left": sum(row.left for row in rows),
        "used": sum(row.used for row in rows),
        "lost": sum(row.lost for row in rows),
        "accepted": sum(row.accepted for row in rows),
        "states": message_labels.CREDIT_STATES.items(),
    }
    return page(request, "console/messaging/credits.html", context, section="sending")
