"""Who the member is to us, what they agreed to, and how to change both."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.customers import operations as customer_operations
from zhike.customers import queries as customers
from zhike.engagement import queries as engagement
from zhike.kernel.errors import Problem
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization
from zhike.privacy import operations as privacy_operations
from zhike.privacy import queries as privacy
from zhike.ui.components.consents import ConsentForm, asked_for
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import address_of
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import ProfileForm


@require_safe
@member_page
def profile(request: Any) -> HttpResponse:
    file = request.member.file
    phone = file.person.active("phone")
    gift = engagement.own_birthday(request.member.viewer, request.member.id, request.member.now)
    return page(
        request,
        "profile",
        {"file": file, "gift": gift, "masked_phone": phone.masked if phone else ""},
        active="profile",
    )


@require_safe
@member_page
def history(request: Any) -> HttpResponse:
    changes = customers.profile_history(request.member.person_id)
    return page(request, "history", {"changes": changes}, active="profile")


@require_http_methods(["GET", "POST"])
@member_page
def edit(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    person = member.file.person
    known = {"name": person.name, "sex": person.sex, "occupation": person.occupation}
    known["birthday_calendar"] = person.celebrates
    form = ProfileForm(sent(request), initial=known, today=member.now.date())
    if person.masked_birthday:
        del form.fields["birthday"]
    if request.method == "POST" and form.is_valid():
        try:
            if changes := dict(form.cleaned_data):
                customer_operations.update_profile(
                    actor=member.viewer,
                    person_id=member.person_id,
                    changes=changes,
                    reason="member",
                    now=member.now,
                )
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("Your details are saved."))
            return HttpResponseRedirect(reverse("member:profile"))
    return page(request, "edit", {"form": form}, active="profile", status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@member_page
def consents(request: Any) -> HttpResponse:
    """Every answer can be changed at any time; each change is a new record beside the old ones."""
    member: SignedIn = request.member
    policy = privacy.current_policy(organization.default_group().id)
    given = {
        f"consent-{row.purpose}-{row.channel}": row for row in privacy.current_consents(member.person_id)
    }
    initial = {name: row.decision == "granted" for name, row in given.items()}
    form = ConsentForm(sent(request), terms=policy.terms, initial=initial)
    if request.method == "POST" and form.is_valid():
        _decide(request, form, policy.version, initial)
        messages.success(request, _("Your choices are recorded."))
        return HttpResponseRedirect(reverse("member:consents"))
    context = {"form": form, "policy": policy, "history": _history(member)}
    return page(request, "consents", context, active="profile", status=422 if form.errors else 200)


def _history(member: SignedIn) -> list[tuple[str, privacy.ConsentView]]:
    return [(asked_for(row.purpose, row.channel), row) for row in privacy.consent_history(member.person_id)]


def _decide(request: Any, form: ConsentForm, version: str, before: dict[str, bool]) -> None:
    member: SignedIn = request.member
    decisions = [
        privacy_operations.Decision(question.purpose, question.channel, _word(form, question, before))
        for question in form.questions
        if form.cleaned_data[question.name] != before.get(question.name)
    ]
    if decisions:
        privacy_operations.record_consents(
            actor=member.viewer,
            person_id=member.person_id,
            decisions=decisions,
            policy_version=version,
            method="member-app",
            evidence={"address": address_of(request), "agent": request.headers.get("User-Agent", "")[:200]},
            now=member.now,
        )
    for decision in decisions:
        if (decision.purpose, decision.decision) == ("marketing", "granted"):
            messaging.lift_suppression(
                actor=member.viewer, person_id=member.person_id, channel=decision.channel, now=member.now
            )


def _word(form: ConsentForm, question: Any, before: dict[str, bool]) -> str:
    if form.cleaned_data[question.name]:
        return "granted"
    return "withdrawn" if before.get(question.name) else "refused"
