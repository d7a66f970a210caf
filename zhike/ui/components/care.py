"""What codes of follow-ups and contacts are called, and why somebody should be turned to, in a sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.ui.components.formatting import day as day_text
from zhike.ui.components.formatting import points_text

KINDS = {
    "birthday": _("Birthday"),
    "first_purchase": _("After the first purchase"),
    "quiet": _("Going quiet"),
    "points": _("Points about to end"),
    "coupon": _("Coupon about to end"),
    "ticket": _("Service ticket"),
    "own": _("Own reminder"),
}
ICONS = {
    "birthday": "cake",
    "first_purchase": "shopping-bag",
    "quiet": "moon",
    "points": "hourglass",
    "coupon": "ticket",
    "ticket": "headset",
    "own": "bell",
}
OUTCOMES = {
    "reached": _("Reached, all well"),
    "visit": _("Will come by"),
    "bought": _("Bought something"),
    "later": _("Wants to be asked later"),
    "not_interested": _("Not interested"),
    "not_reached": _("Not reached, try again"),
}
SKIPS = {
    "no_way": _("No allowed way to reach them"),
    "not_fitting": _("It does not fit this member"),
    "known": _("Spoken to already"),
}
STATES = {
    "open": pgettext_lazy("follow-up", "Open"),
    "done": pgettext_lazy("follow-up", "Done"),
    "skipped": pgettext_lazy("follow-up", "Skipped"),
    "settled": pgettext_lazy("follow-up", "No longer needed"),
    "lapsed": pgettext_lazy("follow-up", "Missed"),
}
STATE_TONES = {"done": "success", "lapsed": "error", "open": "info"}
CHANNELS = {
    "call": _("Phone call"),
    "wecom": _("WeCom"),
    "sms": _("Text message"),
    "in_person": _("In person"),
}
CHANNEL_ICONS = {
    "call": "phone",
    "wecom": "message-circle",
    "sms": "message-square",
    "in_person": "handshake",
}
RESULTS = {
    "talked": _("Talked"),
    "answered": _("They answered"),
    "sent": pgettext_lazy("contact", "Sent"),
    "no_answer": _("No answer"),
    "wrong_number": _("Wrong number"),
    "asked_not_to": _("Asked not to be contacted this way"),
}


def sentence(kind: str, facts: Mapping[str, Any]) -> str:
    """Why this member, now."""
    said = {
        name: day_text(dt.date.fromisoformat(value)) if name == "on" else value
        for name, value in facts.items()
    }
    if "points" in said:
        said["points"] = points_text(int(said["points"]))
    texts = {
        "birthday": _now("Celebrates on %(on)s"),
        "first_purchase": _now("Bought for the first time on %(on)s; ask how they like it"),
        "quiet": _now("Used to come, but not since %(on)s"),
        "points": _now("%(points)s end on %(on)s"),
        "coupon": _now("“%(name)s” can be used until %(on)s"),
        "ticket": _now("Wrote to the service desk: ticket %(number)s"),
        "own": "%(text)s",
    }
    return texts[kind] % said


def opening(kind: str, name: str) -> str:
    """Words to begin with, to be made one's own."""
    texts = {
        "birthday": _now("Hello %(name)s, all the best for your birthday! There is a birthday treat waiting for you in the shop."),
        "first_purchase": _now("Hello %(name)s, how do you like what you took home? If anything does not fit, I will see to it."),
        "quiet": _now("Hello %(name)s, we have not seen you for a while. Shall I put aside something new for you?"),
        "points": _now("Hello %(name)s, some of your points are about to end. Shall I look with you what they are good for?"),
        "coupon": _now("Hello %(name)s, a coupon of yours is about to end. Shall I put something aside for you?"),
        "ticket": _now("Hello %(name)s, I have seen that something went wrong. I will stay with it; how can I help you now?"),
    }  # fmt: skip
    text = texts.get(kind, "")
    return text % {"name": name} if text else ""
