"""Names that people read for contacts of associates at WeCom, their tasks and hand-overs."""

from __future__ import annotations

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.ui.console import message_labels
from zhike.ui.console.told import Data, Names, Teller, Told

STAFF_TASK_STATES = {
    "open": _("Waits for confirmation"),
    "confirmed": _("Confirmed by the associate"),
    "expired": _("Nobody confirmed it"),
    "failed": _("WeCom did not take it"),
}
STAFF_TASK_TONES = {"open": "warning", "confirmed": "success", "expired": "error", "failed": "error"}
TRANSFER_STATES = {
    "due": _("About to be asked for"),
    "calling": _("About to be asked for"),
    "waiting": _("The customer may still refuse"),
    "done": _("Handed over"),
    "refused": _("The customer refused"),
    "full": _("The colleague has no room for more"),
    "guarded": _("Protected: handed over too lately"),
    "failed": _("Failed"),
}
TRANSFER_TONES = {
    "waiting": "info",
    "done": "success",
    "refused": "warning",
    "full": "error",
    "guarded": "warning",
    "failed": "error",
}
CONTACT_TITLES = {
    "linked": _("In contact over WeCom"),
    "left": _("Ended the contact over WeCom"),
    "removed": _("Removed from the contacts at WeCom"),
    "handed": _("The WeCom contact went to a colleague"),
}


def _contact(data: Data, tiers: Names) -> Told:
    is_linked = data["state"] == "linked"
    return Told(
        str(CONTACT_TITLES.get(data["state"]) or _now("Contact over WeCom changed")),
        icon="contact-round" if is_linked else "user-minus",
        tone="success" if is_linked else "",
    )


def _transfer(data: Data, tiers: Names) -> Told:
    state = data["state"]
    return Told(
        _now("Hand-over of the WeCom contact"),
        str(TRANSFER_STATES.get(state, state)),
        "arrow-left-right",
        TRANSFER_TONES.get(state, ""),
    )


def _binding(data: Data, tiers: Names) -> Told:
    if data["is_bound"]:
        return Told(_now("Bound to WeCom"), icon="link", tone="success")
    return Told(_now("Bound to WeCom no more"), icon="unlink")


def _task(data: Data, tiers: Names) -> Told:
    state = data["state"]
    said = _now("%(delivered)s delivered, %(failed)s not") % {
        "delivered": data["delivered"],
        "failed": data["failed"],
    }
    return Told(
        str(STAFF_TASK_STATES.get(state, state)),
        said if state == "confirmed" else "",
        "list-todo",
        STAFF_TASK_TONES.get(state, ""),
    )


def _subscription(data: Data, tiers: Names) -> Told:
    answer = data["answer"]
    is_yes = answer == "accept"
    return Told(
        _now("Subscribe messages of the mini-program"),
        str(message_labels.SUBSCRIPTION_ANSWERS.get(answer, "")),
        "bell-ring" if is_yes else "bell-off",
        "success" if is_yes else "",
    )


CONTACT_TELLERS: dict[str, Teller] = {
    "messaging.subscription_answered": _subscription,
    "messaging.staff_contact_changed": _contact,
    "messaging.contact_transfer_ended": _transfer,
    "messaging.staff_binding_changed": _binding,
    "messaging.staff_task_ended": _task,
}
