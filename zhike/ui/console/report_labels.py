"""Words for a compliance report: its sections, the headings of their columns, the codes in their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.ui.components.rights_labels import RETENTION_CLASSES, RIGHTS_KINDS
from zhike.ui.console.labels import AUDIT_ACTIONS, CONSENT_CHANNELS, CONSENT_PURPOSES, SOURCES
from zhike.ui.console.message_labels import CHANNELS

SECTIONS: Mapping[str, tuple[Any, Any]] = {
    "collection": (
        _("What was collected"),
        _(
            "New customers, receipts of members and behaviour by where they came from; of behaviour also the ground."
        ),
    ),
    "use": (
        _("What it was used for"),
        _("Messages by purpose and channel. Refused: a consent, a quiet hour or a cap stood against it."),
    ),
    "retention": (
        _("How long it is kept"),
        _("Days in force by class, nights with a purge, and rows that were let go."),
    ),
    "consents": (
        _("Consents"),
        _("Decisions by purpose and version of the policy, and how many people decided."),
    ),
    "requests": (
        _("Requests of people"),
        _("Asked in the period; in time means answered by the day the law gives, or not due yet."),
    ),
    "exports": (
        _("What was taken out"),
        _("Exports in the audit trail by purpose, with rows where the export counted them."),
    ),
    "processors": (
        _("Who carries messages for us"),
        _("Vendors are told the address and the text, nothing else."),
    ),
    "systems": (
        _("Other systems that are told"),
        _("Webhook endpoints there were by the end of the period."),
    ),
    "sensitive": (
        _("Sensitive data and minors"),
        _("As of when the report was made; erased: in the period."),
    ),
    "access": (_("Access"), _("What deserves a look, though it may be in order.")),
    "exceptions": (_("Exceptions found"), _("What should not have been. Nought everywhere is well.")),
}
COLUMNS: Mapping[str, Any] = {
    "what": _("What"),
    "source": _("Source"),
    "basis": _("Ground"),
    "count": _("How many"),
    "purpose": _("Purpose"),
    "channel": _("Channel"),
    "sent": _("Sent"),
    "refused": _("Refused"),
    "persons": _("People"),
    "class": _("Class of data"),
    "days": _("Days kept"),
    "nights": _("Nights"),
    "rows": _("Rows"),
    "unfinished": _("Unfinished"),
    "version": _("Version of the policy"),
    "granted": _("Granted"),
    "withdrawn": _("Withdrawn"),
    "kind": _("Kind"),
    "asked": _("Asked in the period"),
    "done": _("Done"),
    "cancelled": _("Taken back by the person"),
    "open": _("Still open"),
    "in_time": _("Answered in time"),
    "late": _("Answered late"),
    "days_average": _("Days on average"),
    "action": _("Export"),
    "actors": _("By how many"),
    "vendor": _("Vendor"),
    "system": _("System"),
    "since": _("Since"),
    "event_kinds": _("Kinds of events"),
    "is_active": _("Switched on"),
    "undelivered": _("Undelivered"),
}
_WHAT: Mapping[str, Any] = {
    "person": _("New customers"),
    "receipt": _("Receipts of members"),
    "behaviour": _("Behaviour"),
    "minors": _("Customers under 14"),
    "no_birthday": _("Customers whose age is not known"),
    "addresses": _("Customers with an address (encrypted)"),
    "restricted": _("Customers whose data may not be used"),
    "erased": _("Customers erased in the period"),
    "failed_log_ins": _("Failed log-ins of staff"),
    "revealed": _("Personal data shown in clear"),
    "refused_messages": _("Messages that a gate refused"),
    "keys_made": _("API keys made or changed"),
    "late_requests": _("Requests answered late"),
    "blocked_erasures": _("Erasures that something blocks"),
    "unfinished_purges": _("Purges that did not finish"),
    "minors_marketed": _("Advertising sent to children"),
    "left_in_clear": _("Tables that an erasure could not clear"),
    "dead_letters": _("Events that other systems never took"),
}
_BASES: Mapping[str, Any] = {"consent": _("Consent"), "contract": _("Contract"), "anonymous": _("Anonymous")}
_SWITCH: Mapping[Any, Any] = {0: _("no"), 1: _("yes")}
WORDS: Mapping[str, Mapping[Any, Any]] = {
    "what": _WHAT,
    "source": SOURCES,
    "basis": _BASES,
    "purpose": CONSENT_PURPOSES,
    "channel": {**CONSENT_CHANNELS, **CHANNELS},
    "class": RETENTION_CLASSES,
    "kind": RIGHTS_KINDS,
    "action": AUDIT_ACTIONS,
    "is_active": _SWITCH,
}
"""By column; a code without a word stands as it is (names of sources, versions)."""
