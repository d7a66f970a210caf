"""Inviting friends: the own link and QR code, and how each invitation is going."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from zhike.engagement import operations, queries
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

STATES = {
    "joined": (_("Joined, no purchase yet"), "info"),
    "waiting": (_("Bought; the reward is on its way"), "accent"),
    "rewarded": (_("Rewarded"), "success"),
    "taken_back": (_("Goods returned"), "warning"),
    "refused": (_("Does not count"), "error"),
    "lapsed": (_("Time is over"), ""),
}
REASONS = {
    "same_person": _("This is a member whom we know already."),
    "same_device": _("It came from a phone that you use yourself."),
    "same_payment": _("It was paid as you pay yourself."),
    "ring": _("You were invited by this member yourself."),
    "not_new": _("They had joined before."),
    "daily_limit": _("There were too many invitations that day."),
    "inviter": _("Your membership was not open then."),
}


@require_safe
@member_page
def invite(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    own = queries.own_invitations(member.viewer, member.id, member.now)
    context: dict[str, Any] = {"own": own}
    if own is not None:
        code = operations.invite_code(actor=member.viewer, member_id=member.id, now=member.now)
        rows = [(one, *STATES[one.status], REASONS.get(one.refusal, "")) for one in own.invitations]
        link = f"{settings.PUBLIC_URL}{reverse('member:log_in')}?via=friend&invite={code}"
        context |= {"code": code, "link": link, "rows": rows}
    return page(request, "invite", context, active="home")
