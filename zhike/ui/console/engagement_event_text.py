"""Events of missions, deeds and households as lines for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.ui.components.formatting import points_text
from zhike.ui.console.engagement_labels import WELCOME_REFUSALS
from zhike.ui.console.told import Data, Names, Teller, Told, merchant


def _deed(data: Data, tiers: Names) -> Told:
    told = {
        "review": _("Wrote a review"), "survey": _("Answered a survey"), "share": _("Shared something"),
        "activity": _("Joined an activity"), "profile": _("Completed their profile"),
    }  # fmt: skip
    title = told.get(data["kind"]) or _("Took part")
    return Told(title, merchant(data), "hand-heart", "info")


def _deed_withdrawn(data: Data, tiers: Names) -> Told:
    return Told(_("Something they did was withdrawn"), data["reference"], "undo-2", "warning")


def _mission(title: Any, icon: str, tone: str) -> Callable[[Data, Names], Told]:
    def told(data: Data, tiers: Names) -> Told:
        parts = [data["name"]]
        if data.get("points"):
            parts.append(points_text(data["points"]))
        return Told(
            str(title), " · ".join(parts), icon, tone, reverse("console:mission", args=[data["mission_id"]])
        )

    return told


def _household(title: Any, icon: str) -> Callable[[Data, Names], Told]:
    def told(data: Data, tiers: Names) -> Told:
        return Told(str(title), "", icon, "info", reverse("console:household", args=[data["member_id"]]))

    return told


def _pooled(data: Data, tiers: Names) -> Told:
    put_in = data["points"] > 0
    title = (
        _("Put points into the household's pool")
        if put_in
        else _("Took points back from the household's pool")
    )
    url = reverse("console:household", args=[data["member_id"]])
    return Told(title, points_text(abs(data["points"])), "house", "info", url)


def _welcome_given(data: Data, tiers: Names) -> Told:
    title = _("Welcome gift for the first purchase") if data["receipt_id"] else _("Welcome gift for joining")
    parts = [points_text(data["points"])] if data["points"] else []
    if data["batch_id"] is not None:
        parts.append(_("a coupon"))
    return Told(title, " · ".join(parts), "party-popper", "success")


def _welcome_taken_back(data: Data, tiers: Names) -> Told:
    why = str(WELCOME_REFUSALS.get(data["why"], ""))
    return Told(_("Welcome gift taken back"), f"{points_text(data['points'])} · {why}", "undo-2", "warning")


def _welcome_refused(data: Data, tiers: Names) -> Told:
    why = str(WELCOME_REFUSALS.get(data["refusal"], ""))
    return Told(_("No welcome gift"), why, "shield-ban", "warning")


def _stamps_counted(data: Data, tiers: Names) -> Told:
    title = _("Collected stamps") if data["change"] > 0 else _("Stamps taken back")
    text = f"{data['name']} · {data['change']:+d} · {data['stamps']}/{data['of']}"
    url = reverse("console:stamp_card", args=[data["card_id"]])
    return Told(title, text, "grid-2x2-check", "info" if data["change"] > 0 else "warning", url)


def _stamp_card(title: Any, icon: str, tone: str) -> Callable[[Data, Names], Told]:
    def told(data: Data, tiers: Names) -> Told:
        parts = [data["name"], *([points_text(data["points"])] if data["points"] else [])]
        if data.get("batch_id") is not None:
            parts.append(_("a coupon"))
        url = reverse("console:stamp_card", args=[data["card_id"]])
        return Told(str(title), " · ".join(parts), icon, tone, url)

    return told


ENGAGEMENT_TELLERS: dict[str, Teller] = {
    "loyalty.household_founded": _household(gettext_lazy("Began a household"), "house-plus"),
    "loyalty.household_joined": _household(gettext_lazy("Joined a household"), "house"),
    "loyalty.household_left": _household(gettext_lazy("Left a household"), "house"),
    "loyalty.points_pooled": _pooled,
    "engagement.welcome_given": _welcome_given,
    "engagement.welcome_taken_back": _welcome_taken_back,
    "engagement.welcome_refused": _welcome_refused,
    "engagement.stamps_counted": _stamps_counted,
    "engagement.stamp_card_rewarded": _stamp_card(gettext_lazy("A stamp card is full"), "gift", "success"),
    "engagement.stamp_reward_taken_back": _stamp_card(
        gettext_lazy("Reward of a stamp card taken back"), "undo-2", "warning"
    ),
    "engagement.deed_recorded": _deed,
    "engagement.deed_withdrawn": _deed_withdrawn,
    "engagement.mission_accepted": _mission(gettext_lazy("Took on a mission"), "flag", "info"),
    "engagement.mission_rewarded": _mission(gettext_lazy("Mission accomplished"), "gift", "success"),
    "engagement.mission_finished": _mission(
        gettext_lazy("All steps of a mission done"), "list-checks", "accent"
    ),
    "engagement.mission_taken_back": _mission(
        gettext_lazy("Reward of a mission taken back"), "undo-2", "warning"
    ),
}
