"""Words of the pages on who is who."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

MERGE_STATES = {
    "proposed": _("Waits for a second person"),
    "merged": pgettext_lazy("merge", "Merged"),
    "declined": pgettext_lazy("merge", "Declined"),
    "undone": pgettext_lazy("merge", "Undone"),
}

MERGE_TONES = {"proposed": "warning", "merged": "success", "declined": "", "undone": "info"}

MERGE_GUARDS = {
    "birthday": _("Different birthdays"),
    "sex": _("Different sexes"),
    "minor": _("A minor is among them"),
    "shared_phone": _("One phone number passed from one to the other"),
    "shared_device": _("Both signed in on one device"),
    "staff": _("Somebody of this name works here"),
}

VERDICTS = {
    "same": pgettext_lazy("comparison", "Same"),
    "alike": pgettext_lazy("comparison", "Sounds alike"),
    "different": pgettext_lazy("comparison", "Different"),
}

VERDICT_TONES = {"same": "success", "alike": "info", "different": "warning"}

COMPARED = {
    "name": _("Name"),
    "sex": _("Sex"),
    "birthday": _("Birthday"),
    "address": _("Address"),
    "phone": _("Phone"),
    "card": _("Card"),
    "email": _("E-mail"),
    "openid": _("WeChat openid"),
    "unionid": _("WeChat unionid"),
    "plate": _("Number plate"),
    "account": _("Online account"),
    "device": _("Shared device"),
}

SUGGESTION_BASES = {"identifier": _("Identifiers"), "likeness": _("Likeness")}

SUGGESTION_STATES = {
    "open": _("To be judged"),
    "unsure": _("Not sure"),
    "accepted": _("Judged to be one person"),
    "rejected": _("Judged to be two persons"),
}
