"""Events of tickets, chats, amends and surveys as lines for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zhike.ui.components import after_sales, quality, service, watch
from zhike.ui.components.formatting import yuan
from zhike.ui.console.told import Data, Names, Teller, Told, merchant


def _ticket(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    """What happened to a ticket, with its number and what it was about."""

    def told(data: Data, tiers: Names) -> Told:
        kind = service.TYPES.get(data.get("kind", ""), "")
        detail = " · ".join(str(part) for part in (data["number"], kind, merchant(data)) if part)
        return Told(str(title), detail, icon, tone, reverse("console:ticket", args=[data["number"]]))

    return told


def _conversation(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    """What happened to a chat; never what was said in it."""

    def told(data: Data, tiers: Names) -> Told:
        reason = service.HANDOVERS.get(data.get("reason", ""), "")
        helped = service.HELPED.get(data.get("helped_by", ""), "")
        detail = " · ".join(str(part) for part in (data["number"], reason, helped) if part)
        return Told(str(title), detail, icon, tone, reverse("console:conversation", args=[data["number"]]))

    return told


def _undelivered(data: Data, tiers: Names) -> Told:
    state = service.CARRIAGES.get(data["state"], data["state"])
    detail = " · ".join(str(part) for part in (data["number"], state, data["code"]) if part)
    url = reverse("console:conversation", args=[data["number"]])
    return Told(_("An answer did not arrive"), detail, "mail-x", "error", url)


def _line(data: Data, tiers: Names) -> Told:
    name = str(service.CONVERSATION_CHANNELS.get(data["channel"], data["channel"]))
    detail = name if data["is_active"] else f"{name} · {_('Switched off')}"
    return Told(_("A way in for customers changed"), detail, "mail-plus", "", reverse("console:lines"))


def _deadline(data: Data, tiers: Names) -> Told:
    what = service.CLOCKS.get(data["clock"], data["clock"])
    level = service.ALERTS.get(data["level"], data["level"])
    url = reverse("console:ticket", args=[data["number"]])
    return Told(f"{level} · {what}", data["number"], "alarm-clock", "error", url)


def _amends(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    """Amends on a ticket: what they are and, where it is known, what they cost."""

    def told(data: Data, tiers: Names) -> Told:
        parts = [data["number"], str(service.COMPENSATION_KINDS.get(data["kind"], data["kind"]))]
        if "cost_fen" in data:
            parts.append(yuan(data["cost_fen"]))
        return Told(
            str(title), " · ".join(parts), icon, tone, reverse("console:ticket", args=[data["number"]])
        )

    return told


def _survey_asked(data: Data, tiers: Names) -> Told:
    what = _("After a ticket") if data["ticket_id"] else _("As one of a sample")
    return Told(_("Asked for an opinion"), what, "message-circle-question-mark")


def _survey_answered(data: Data, tiers: Names) -> Told:
    kind = service.SURVEY_KINDS.get(data["kind"], data["kind"])
    tone = {"low": "error", "high": "success"}.get(data["verdict"], "")
    title = _("Gave a score of %(score)s") % {"score": data["score"]}
    return Told(title, str(kind), "star", tone, reverse("console:survey", args=[data["survey_id"]]))


def _staff_told(data: Data, tiers: Names) -> Told:
    many = len(data["alert_ids"])
    what = ngettext("%(count)s alert", "%(count)s alerts", many) % {"count": many}
    return Told(_("One of us was told of alerts"), what, "bell", "", reverse("console:alerts"))


def _verbatim(data: Data, tiers: Names) -> Told:
    """How words of theirs were read, with the topics."""
    about = " · ".join(str(service.TOPICS.get(code, code)) for code in data["topics"])
    title = service.SENTIMENTS.get(data["sentiment"], data["sentiment"])
    tone = service.SENTIMENT_TONES.get(data["sentiment"], "")
    what = _("In their own words: %(sentiment)s") % {"sentiment": title}
    return Told(what, about, "quote", tone, reverse("console:listening"))


def _promoter(data: Data, tiers: Names) -> Told:
    return Told(_("Would recommend us"), "", "heart-handshake", "success")


def _decided(data: Data, tiers: Names) -> Told:
    title = _("Amends were agreed to") if data["approved"] else _("Amends were refused")
    tone = "success" if data["approved"] else "warning"
    return Told(title, data["number"], "user-check", tone, reverse("console:ticket", args=[data["number"]]))


def _goods_asked(data: Data, tiers: Names) -> Told:
    kind = after_sales.KINDS.get(data["kind"], data["kind"])
    reason = after_sales.REASONS.get(data["reason"], data["reason"])
    detail = " · ".join(str(part) for part in (data["number"], reason, merchant(data)) if part)
    url = reverse("console:ticket", args=[data["number"]])
    return Told(_("Asked for: %(kind)s") % {"kind": kind}, detail, "package-open", "warning", url)


def _goods_moved(data: Data, tiers: Names) -> Told:
    state = data["state"]
    parts = [data["number"], str(after_sales.KINDS.get(data["kind"], data["kind"]))]
    if data["refund_fen"]:
        parts.append(yuan(data["refund_fen"]))
    tone = after_sales.STATE_TONES.get(state, "")
    url = reverse("console:ticket", args=[data["number"]])
    title = _("Goods that come back: %(state)s") % {"state": after_sales.STATES.get(state, state)}
    return Told(title, " · ".join(parts), "package-open", tone, url)


def _words_noticed(data: Data, tiers: Names) -> Told:
    what = watch.CATEGORIES.get(data["category"], data["category"])
    return Told(
        _("A watched word was said"), str(what), "shield-alert", "warning", reverse("console:word_alerts")
    )


def _quality(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    """What happened in a review; the score in per cent."""

    def told(data: Data, tiers: Names) -> Told:
        seat = str(quality.SEATS.get(data.get("seat", ""), quality.OUTCOMES.get(data.get("outcome", ""), "")))
        parts = [data["number"], seat, quality.tenths(data["score"])]
        url = reverse("console:quality_pick", args=[data["pick_id"]])
        return Told(str(title), " · ".join(part for part in parts if part), icon, tone, url)

    return told


def _drawn(data: Data, tiers: Names) -> Told:
    detail = _("Week from %(week)s: %(picks)s of %(population)s") % {
        "week": data["week"],
        "picks": data["picks"],
        "population": data["population"],
    }
    return Told(_("Conversations were drawn for review"), detail, "dices", "", reverse("console:quality"))


def _quality_terms(data: Data, tiers: Names) -> Told:
    detail = _("%(key)s, version %(version)s") % {"key": data["key"], "version": data["version"]}
    title = _("Checklist or sampling plan published")
    return Told(title, detail, "clipboard-list", "", reverse("console:quality_setup"))


def _coached(data: Data, tiers: Names) -> Told:
    return Told(_("A coaching note was written"), "", "notebook-pen", "", reverse("console:quality"))


SERVICE_TELLERS: dict[str, Teller] = {
    "service.ticket_opened": _ticket(gettext_lazy("Opened a ticket"), "headset", "warning"),
    "service.ticket_answered": _ticket(gettext_lazy("A ticket was answered"), "message-circle", "info"),
    "service.ticket_assigned": _ticket(gettext_lazy("A ticket was handed over"), "user-round-check"),
    "service.ticket_classified": _ticket(gettext_lazy("A ticket was graded"), "tags"),
    "service.ticket_paused": _ticket(gettext_lazy("A ticket was held or taken up"), "circle-pause"),
    "service.ticket_resolved": _ticket(gettext_lazy("A ticket was solved"), "circle-check", "success"),
    "service.ticket_closed": _ticket(gettext_lazy("A ticket was closed"), "archive"),
    "service.ticket_reopened": _ticket(gettext_lazy("A ticket was reopened"), "rotate-ccw", "warning"),
    "service.ticket_merged": _ticket(gettext_lazy("Two tickets became one"), "merge"),
    "service.conversation_started": _conversation(
        gettext_lazy("Wrote to us in the chat"), "message-circle-more", "info"
    ),
    "service.conversation_queued": _conversation(
        gettext_lazy("The chat went to the desk"), "hourglass", "warning"
    ),
    "service.conversation_assigned": _conversation(
        gettext_lazy("Somebody took the chat"), "user-round-check"
    ),
    "service.conversation_closed": _conversation(gettext_lazy("The chat ended"), "archive"),
    "service.answer_not_delivered": _undelivered,
    "service.line_changed": _line,
    "service.after_sale_applied": _goods_asked,
    "service.after_sale_moved": _goods_moved,
    "service.words_noticed": _words_noticed,
    "service.quality_reviewed": _quality(gettext_lazy("A conversation was reviewed"), "clipboard-check"),
    "service.quality_appealed": _quality(gettext_lazy("Appeal against a review"), "scale", "warning"),
    "service.quality_appeal_decided": _quality(gettext_lazy("An appeal was decided"), "gavel"),
    "service.quality_drawn": _drawn,
    "service.quality_terms_published": _quality_terms,
    "service.coaching_noted": _coached,
    "service.deadline_called": _deadline,
    "service.staff_told": _staff_told,
    "service.survey_asked": _survey_asked,
    "service.survey_answered": _survey_answered,
    "service.promoter_found": _promoter,
    "service.verbatim_read": _verbatim,
    "service.verbatim_decided": _verbatim,
    "service.compensation_proposed": _amends(gettext_lazy("Amends were proposed"), "gift"),
    "service.compensation_decided": _decided,
    "service.compensation_given": _amends(gettext_lazy("Amends were given"), "gift", "success"),
    "service.compensation_reversed": _amends(gettext_lazy("Amends were taken back"), "undo-2", "warning"),
}
