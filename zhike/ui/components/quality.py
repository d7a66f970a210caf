"""What codes of quality reviews are called on pages, and facts as sentences."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

SECTIONS = {
    "quality": pgettext_lazy("quality", "Quality"),
    "process": pgettext_lazy("quality", "Process"),
    "attitude": pgettext_lazy("quality", "Attitude"),
    "innovation": pgettext_lazy("quality", "Innovation"),
}
ANSWERS = {
    "yes": pgettext_lazy("quality", "Kept"),
    "partly": pgettext_lazy("quality", "Partly"),
    "no": pgettext_lazy("quality", "Not kept"),
    "na": pgettext_lazy("quality", "Does not apply"),
}
ANSWER_TONES = {"yes": "success", "partly": "warning", "no": "error", "na": ""}
REASONS = {
    "random": pgettext_lazy("quality", "Drawn"),
    "low_csat": pgettext_lazy("quality", "Low satisfaction"),
    "words": pgettext_lazy("quality", "Watched word"),
    "handoff": pgettext_lazy("quality", "Hand-over failed"),
    "vip": pgettext_lazy("quality", "High tier"),
}
REASON_TONES = {"low_csat": "warning", "words": "error", "handoff": "error", "vip": "accent"}
SEATS = {
    "first": pgettext_lazy("quality", "First review"),
    "second": pgettext_lazy("quality", "Second review"),
    "appeal": pgettext_lazy("quality", "Decision on the appeal"),
}
OUTCOMES = {
    "upheld": pgettext_lazy("quality", "The review stands"),
    "changed": pgettext_lazy("quality", "Changed after the appeal"),
}
QUEUES = {
    "mine": pgettext_lazy("quality", "My turn"),
    "waiting": pgettext_lazy("quality", "To be reviewed"),
    "done": pgettext_lazy("quality", "Reviewed"),
    "appeals": pgettext_lazy("quality", "Appeals"),
    "all": pgettext_lazy("quality", "All"),
}
FACTS = {
    "first_answer": _("First answer in time"),
    "longest_wait": _("Longest wait of the member"),
    "greeting": _("Greeting"),
    "farewell": _("Farewell"),
    "identity": _("Identity asked before personal data"),
    "watched_words": _("Watched words of ours"),
    "satisfaction": _("Score of the member"),
}
FACT_TONES = {"good": "success", "bad": "warning", "plain": ""}
CHAT_EVENTS = {
    "queued": _("Into the queue"),
    "assigned": _("Given to somebody"),
    "released": _("Back into the queue"),
    "snoozed": _("Put off"),
    "woke": _("Came back"),
    "ticket": _("A ticket was opened"),
    "closed": _("Conversation closed"),
}
TABLES: dict[str, dict[str, Any]] = {
    "chat_event": CHAT_EVENTS,
    "quality_section": SECTIONS,
    "quality_answer": ANSWERS,
    "quality_answer_tone": ANSWER_TONES,
    "quality_reason": REASONS,
    "quality_reason_tone": REASON_TONES,
    "quality_seat": SEATS,
    "quality_outcome": OUTCOMES,
    "quality_fact": FACTS,
    "quality_fact_tone": FACT_TONES,
}


def length(seconds: int) -> str:
    """90 → 1 min 30 s."""
    if seconds < 60:
        return _now("%(n)s s") % {"n": seconds}
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _now("%(h)s h %(m)s min") % {"h": hours, "m": minutes}
    return _now("%(m)s min %(s)s s") % {"m": minutes, "s": rest}


def fact_text(code: str, state: str, value: int | None) -> str:
    """What the program found, as a sentence; it never says whether an item is kept."""
    if code == "first_answer":
        return (
            _now("Nobody answered.") if value is None else _now("After %(time)s.") % {"time": length(value)}
        )
    if code == "longest_wait":
        return length(value or 0)
    if code == "watched_words":
        return ngettext("%(n)s sentence", "%(n)s sentences", value or 0) % {"n": value or 0}
    if code == "satisfaction":
        return _now("%(n)s of 5") % {"n": value}
    if code == "identity" and state == "plain":
        return _now("We wrote no phone, identity or card number.")
    if code == "identity":
        return _now("Asked before.") if value else _now("A number was written without asking before.")
    if state == "plain":
        return _now("We wrote nothing.")
    return _now("Found.") if value else _now("Not found.")


def tenths(score: int | None) -> str:
    """975 → 97.5; 1000 → 100."""
    if score is None:
        return "–"
    return f"{score // 10}.{score % 10}".removesuffix(".0")
