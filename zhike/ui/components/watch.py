"""What codes of watched words and their alerts are called on pages."""

from __future__ import annotations

from typing import Any

from django.utils.translation import pgettext_lazy

CATEGORIES = {
    "abuse": pgettext_lazy("watch", "Abuse"),
    "threat": pgettext_lazy("watch", "Threat to go public or to court"),
    "safety": pgettext_lazy("watch", "Harm to people, food"),
    "promise": pgettext_lazy("watch", "Promises too much"),
    "aside": pgettext_lazy("watch", "Business on the side"),
    "privacy": pgettext_lazy("watch", "Asks for personal data"),
}
SEVERITIES = {
    "notice": pgettext_lazy("watch", "To note"),
    "serious": pgettext_lazy("watch", "Serious"),
}
SEVERITY_TONES = {"notice": "warning", "serious": "error"}
SPEAKERS = {
    "both": pgettext_lazy("watch", "Members and staff"),
    "member": pgettext_lazy("watch", "Members"),
    "staff": pgettext_lazy("watch", "Staff"),
}
VERDICTS = {
    "upheld": pgettext_lazy("watch", "Upheld"),
    "harmless": pgettext_lazy("watch", "Harmless"),
}
VERDICT_TONES = {"upheld": "error", "harmless": "success"}
QUEUES = {
    "open": pgettext_lazy("watch", "To be looked at"),
    "upheld": pgettext_lazy("watch", "Upheld"),
    "harmless": pgettext_lazy("watch", "Harmless"),
    "all": pgettext_lazy("watch", "All"),
}
TABLES: dict[str, dict[str, Any]] = {
    "watch_category": CATEGORIES,
    "watch_severity": SEVERITIES,
    "watch_severity_tone": SEVERITY_TONES,
    "watch_speaker": SPEAKERS,
    "watch_verdict": VERDICTS,
    "watch_verdict_tone": VERDICT_TONES,
}
