"""Events of sales associates as lines for people; never what was said."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from zhike.ui.components import care
from zhike.ui.components.formatting import day as day_text
from zhike.ui.console.told import Data, Names, Teller, Told


def _opened(data: Data, tiers: Names) -> Told:
    until = day_text(dt.date.fromisoformat(data["last_on"]))
    return Told(
        _("A reason to turn to them: %(kind)s") % {"kind": care.KINDS.get(data["kind"], data["kind"])},
        _("until %(day)s") % {"day": until},
        care.ICONS.get(data["kind"], "bell"),
        "info",
    )


def _ended(data: Data, tiers: Names) -> Told:
    outcome = {**care.OUTCOMES, **care.SKIPS}.get(data["outcome"], "")
    names = {"kind": care.KINDS.get(data["kind"], data["kind"]), "state": care.STATES.get(data["state"], "")}
    tone = care.STATE_TONES.get(data["state"], "")
    return Told(
        _("Follow-up %(kind)s: %(state)s") % names, str(outcome), care.ICONS.get(data["kind"], "bell"), tone
    )


def _contact(data: Data, tiers: Names) -> Told:
    channel = data["channel"]
    return Told(
        _("In touch: %(channel)s") % {"channel": care.CHANNELS.get(channel, channel)},
        str(care.RESULTS.get(data["result"], "")),
        care.CHANNEL_ICONS.get(channel, "message-circle"),
        "primary",
    )


def _note(data: Data, tiers: Names) -> Told:
    return Told(_("An associate wrote a note"), icon="notebook-pen")


def _policy(data: Data, tiers: Names) -> Told:
    return Told(_("New rules of reminders"), icon="bell")


CARE_TELLERS: dict[str, Teller] = {
    "clienteling.follow_up_opened": _opened,
    "clienteling.follow_up_ended": _ended,
    "clienteling.contact_recorded": _contact,
    "clienteling.note_written": _note,
    "clienteling.reminder_policy_published": _policy,
}
