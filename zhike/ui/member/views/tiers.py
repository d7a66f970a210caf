"""The ladder in plain words: what each tier has, how it is reached and kept; and where the member stands on it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zhike.loyalty import queries as loyalty
from zhike.rewards import queries as rewards
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page


@require_safe
@member_page
def tiers(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    programme = member.file.programme
    context = {
        "file": member.file,
        "programme": programme,
        "standing": loyalty.tier_standing(member.viewer, member.id, member.now),
        "history": loyalty.tier_history(member.viewer, member.id),
        "steps": loyalty.tiers(programme.id),
        "growth": loyalty.member_growth(member.viewer, member.id, member.now, limit=1),
        "gives": rewards.benefits_by_tier(programme.group_id),
    }
    return page(request, "tiers", context, active="home")


@require_safe
@member_page
def policy(request: Any) -> HttpResponse:
    """The terms of the tiers: today's, those to come with what changes, and those of the past."""
    member: SignedIn = request.member
    programme = member.file.programme
    versions = loyalty.member_tier_policies(member.viewer, member.id)
    terms = loyalty.policy_now(programme.id)
    names = {tier.id: tier for tier in loyalty.tiers(programme.id)}
    context = {
        "file": member.file,
        "policy": terms,
        "terms": [
            {"tier": names[one.tier], "term": one, "reached": reached, "kept": kept}
            for one, (reached, kept) in zip(terms.tiers, loyalty.goals_of(terms), strict=True)
        ],
        "growth_words": loyalty.growth_words(terms.growth) if terms.growth else "",
        "current": next((one for one in versions if one.state == "in_force"), None),
        "coming": [one for one in reversed(versions) if one.state in ("notice", "planned")],
        "past": [(one, _goals(one, names)) for one in versions if one.state == "past"],
    }
    return page(request, "tier_policy", context, active="home")


def _goals(version: loyalty.TierPolicyView, names: dict[int, loyalty.TierView]) -> list[tuple[str, str, str]]:
    """(tier, what reaches it, what keeps it) of an earlier version; tiers that were removed since are left out."""
    goals = zip(version.policy.tiers, loyalty.goals_of(version.policy), strict=True)
    return [(names[one.tier].name, *words) for one, words in goals if one.tier in names]


@require_safe
@member_page
def growth(request: Any) -> HttpResponse:
    """Growth value: how much counts, how it is earned, and where it came from."""
    member: SignedIn = request.member
    found = loyalty.member_growth(member.viewer, member.id, member.now, request.GET.get("cursor"))
    if found is None:
        raise Http404
    context = {"file": member.file, "growth": found}
    return page(request, "growth", context, active="home")


@require_safe
@member_page
def line(request: Any) -> HttpResponse:
    """Until when the tier is held, for the card on the first page."""
    member: SignedIn = request.member
    standing = loyalty.tier_standing(member.viewer, member.id, member.now)
    return render(request, "member/_tier_line.html", {"standing": standing})
