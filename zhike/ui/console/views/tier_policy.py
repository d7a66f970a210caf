"""The terms of the tiers: today's, the versions with their notices and evidence, a draft with what it changes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.tier_policy import TierPolicyForm
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused
from zhike.ui.console.programmes import first_programme, known_programme

VIEW, EDIT = "programme.view", "programme.edit"
SECTION = "tiers"


@staff_page(VIEW)
def tier_policy(request: StaffRequest) -> HttpResponse:
    """The terms in force and every version."""
    programme = first_programme(request)
    context: dict[str, Any] = {"programme": programme, "may": permissions(request, edit=EDIT)}
    if programme:
        context |= {
            "versions": queries.tier_policy_versions(request.viewer, programme.id),
            **_shown(programme.id, queries.policy_now(programme.id)),
        }
    return page(request, "console/tier_policy/policy.html", context, section=SECTION)


@staff_page(VIEW)
def tier_policy_version(request: StaffRequest, version_id: int) -> HttpResponse:
    """One version: what it changes, its notice, and who was told when."""
    version = queries.tier_policy_version(request.viewer, version_id)
    programme = known_programme(request)
    context: dict[str, Any] = {
        "version": version,
        "may": permissions(request, edit=EDIT),
        **_shown(programme.id, version.policy),
    }
    if request.viewer.may(EDIT) and version.told:
        context["notices"] = queries.tier_notices(request.viewer, version_id)
    return page(request, "console/tier_policy/version.html", context, section=SECTION)


@staff_page(EDIT)
def edit_tier_policy(request: StaffRequest) -> HttpResponse:
    """Draft the next version; published by its own button."""
    programme = known_programme(request)
    form = _form(request)
    if request.method == "POST" and form.is_valid():
        try:
            operations.publish_tier_policy(
                actor=request.viewer,
                program_id=programme.id,
                definition=form.definition,
                effective_from=form.moment(request.now, programme.time_zone),
                texts_only_add=form.cleaned_data["texts_only_add"],
                note=form.cleaned_data["note"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The version is published."), reverse("console:tier_policy"))
    context = {"form": form, "programme": programme}
    status = 422 if request.method == "POST" else 200
    return page(request, "console/tier_policy/form.html", context, section=SECTION, status=status)


@require_POST
@staff_page(EDIT)
def preview_tier_policy(request: StaffRequest) -> HttpResponse:
    """What the draft changes, whether members have to be told, and the earliest day."""
    programme = known_programme(request)
    form = _form(request)
    refusal = "console/programme/_draft_refused.html"
    if not form.is_valid():
        return fragment(request, refusal, {"is_invalid": True}, status=422)
    moment = form.moment(request.now, programme.time_zone)
    try:
        found = queries.preview_tier_policy(
            request.viewer,
            programme.id,
            form.definition,
            moment,
            request.now,
            texts_only_add=form.cleaned_data["texts_only_add"],
        )
    except queries.TierPolicyError as error:
        problem = operations.InvalidTierPolicy(path=error.path, reason=error.reason).sentence
        return fragment(request, refusal, {"problem": problem}, status=422)
    context = {"preview": found, "too_soon": found.worsens and moment < found.earliest}
    return fragment(request, "console/tier_policy/_preview.html", context)


@require_POST
@staff_page(EDIT)
def withdraw_tier_policy(request: StaffRequest, version_id: int) -> HttpResponse:
    back = reverse("console:tier_policy")
    try:
        operations.withdraw_tier_policy(actor=request.viewer, version_id=version_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, back)
    return done(request, _("The version is withdrawn."), back)


def _form(request: StaffRequest) -> TierPolicyForm:
    """With today's terms, or those of the last version that waits, which the next one follows."""
    programme = known_programme(request)
    return TierPolicyForm(
        sent(request), policy=queries.latest_policy(programme.id), ladder=queries.tiers(programme.id)
    )


def _shown(program_id: int, policy: queries.TierPolicy) -> dict[str, Any]:
    """A document with the names of its tiers; one that was removed since is left out."""
    by_id = {tier.id: tier for tier in queries.tiers(program_id)}
    terms = [
        {"tier": by_id[one.tier], "term": one, "reached": reached, "kept": kept}
        for one, (reached, kept) in zip(policy.tiers, queries.goals_of(policy), strict=True)
        if one.tier in by_id
    ]
    words = queries.growth_words(policy.growth) if policy.growth else ""
    return {"policy": policy, "terms": terms, "growth_words": words}
