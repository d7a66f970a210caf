"""What we think the member likes: seen, taken off, switched off altogether."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zhike.insight import operations
from zhike.kernel.errors import NotFound
from zhike.organization import queries as organization
from zhike.privacy import operations as privacy_operations
from zhike.privacy import queries as privacy
from zhike.ui.components import member_tags
from zhike.ui.components.staff import address_of
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

OFF = ("refused", "withdrawn")


@require_http_methods(["GET", "POST"])
@member_page
def tags(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    decision = privacy.decisions_on([member.person_id], "personalisation").get(member.person_id, "")
    if request.method == "POST":
        _do(request, request.POST.get("do", ""), decision)
        return HttpResponseRedirect(reverse("member:tags"))
    context = {"tags": member_tags.shown(member.person_id, {}), "is_off": decision in OFF}
    return page(request, "tags", context, active="profile")


def _do(request: Any, what: str, decision: str) -> None:
    member: SignedIn = request.member
    tag = request.POST.get("tag", "")
    number = int(tag) if tag.isascii() and tag.isdecimal() and len(tag) < 18 else 0
    given: dict[str, Any] = {
        "actor": member.viewer, "person_id": member.person_id, "tag_id": number, "now": member.now
    }  # fmt: skip
    if what == "remove":
        operations.mark_tag(**given, is_on=False)
        messages.success(request, _("Taken off. It will not come back by itself."))
    elif what == "restore":
        operations.unmark_tag(**given)
        messages.success(request, _("It may come back when it fits."))
    elif what in ("on", "off"):
        _switch(request, "granted" if what == "on" else "withdrawn" if decision == "granted" else "refused")
    else:
        raise NotFound


def _switch(request: Any, decision: str) -> None:
    member: SignedIn = request.member
    privacy_operations.record_consents(
        actor=member.viewer,
        person_id=member.person_id,
        decisions=[privacy_operations.Decision("personalisation", "any", decision)],
        policy_version=privacy.current_policy(organization.default_group().id).version,
        method="member-app",
        evidence={"address": address_of(request), "agent": request.headers.get("User-Agent", "")[:200]},
        now=member.now,
    )
    messages.success(request, _("Your choices are recorded."))
