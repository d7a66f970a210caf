"""Stages and RFM groups in words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

STAGES = {
    "prospect": pgettext_lazy("stage", "Prospect"),
    "new": pgettext_lazy("stage", "New"),
    "active": pgettext_lazy("stage", "Active"),
    "dormant": pgettext_lazy("stage", "Dormant"),
    "churned": pgettext_lazy("stage", "Churned"),
}
STAGE_TONES = {
    "prospect": "info",
    "new": "accent",
    "active": "success",
    "dormant": "warning",
    "churned": "error",
}
STAGE_ICONS = {
    "prospect": "sprout",
    "new": "sparkles",
    "active": "flame",
    "dormant": "moon",
    "churned": "door-open",
}
RFM = {
    "111": _("Valued: keep"),
    "101": _("Valued: develop"),
    "011": _("Valued: win back"),
    "001": _("Valued: hold on to"),
    "110": _("Usual: keep"),
    "100": _("Usual: develop"),
    "010": _("Usual: win back"),
    "000": _("Usual: hold on to"),
    "": _("No purchase in the window"),
}
STRATEGIES = {
    "111": _("Bought lately, often and much: personal service, first look at what is new."),
    "101": _("Much and lately, but rarely: reasons to come more often."),
    "011": _("Often and much, but not lately: call before somebody else does."),
    "001": _("Once much, now silent: a strong reason to return."),
    "110": _("Often and lately, small amounts: sets and higher quality."),
    "100": _("Here lately: make the second visit happen."),
    "010": _("Came often, now rarely: a small reminder."),
    "000": _("Cheap means only."),
}
