"""The audit trail in words: who wrote when it was no person, and which value changed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

AUTOMATA = {
    "caretaker": _("Caretaker"),
    "collection": _("Behaviour intake"),
    "command line": _("Command line"),
    "console": _("Console"),
    "coupon_returns": _("Coupon returns"),
    "deadlines": _("Deadline watch"),
    "emulator": _("Emulated vendor"),
    "enrolment": _("Enrolment"),
    "gifts": _("Gifts for purchases"),
    "intake": _("File imports"),
    "live tills": _("Live tills"),
    "member-app": _("Member app"),
    "member_activity": _("Member activity"),
    "nightly": _("Nightly work"),
    "postman": _("Message dispatch"),
    "refusal-link": _("Refusal link"),
    "rights": _("Rights desk"),
    "risk": _("Oversight"),
    "segments": _("Segments"),
    "service": _("Service desk"),
    "simulator": _("Simulated mall"),
    "standing": _("Lifecycle and value"),
    "time machine": _("Time machine"),
    "webhooks": _("Webhooks"),
}
FIELDS = {
    "account": _("Account"),
    "address": _("Address"),
    "agent": _("Browser"),
    "audience": _("Readers"),
    "balance": _("Balance"),
    "breaches": _("Breaches"),
    "called": _("Alerts"),
    "card": _("Card"),
    "cause_id": _("Cause"),
    "channel": _("Channel"),
    "channels": _("Channels"),
    "code": _("Code"),
    "codes": _("Codes"),
    "conflicts": _("Conflicts"),
    "created": _("Created"),
    "days": _("Days"),
    "definition": _("Terms"),
    "digest": _("Digest"),
    "effective_from": _("In force from"),
    "email": _("E-mail"),
    "inputs": _("Read"),
    "is_active": _("Active"),
    "issued": _("Issued"),
    "key": _("Key"),
    "kind": _("Kind"),
    "language": _("Language"),
    "level": _("Level"),
    "lines": _("Lines"),
    "members": _("Members"),
    "messages": _("Messages"),
    "month": _("Month"),
    "name": _("Designation"),
    "number": _("Number"),
    "older_end_at": _("Older ones end at"),
    "outcome": _("Outcome"),
    "parent_id": _("Belongs to"),
    "persons": _("Persons"),
    "phone": _("Phone"),
    "points": _("Points"),
    "policy": _("Policy"),
    "price": _("Price"),
    "purpose": _("Purpose"),
    "rank": _("Rank"),
    "receipts": _("Receipts"),
    "records": _("Records"),
    "return": _("Return"),
    "role": _("Role"),
    "rows": _("Rows"),
    "scopes": _("Scopes"),
    "settings": _("Settings"),
    "severity": _("Severity"),
    "source": _("Origin"),
    "state": _("State"),
    "status": _("Status"),
    "stock": _("Stock"),
    "target_id": _("Target"),
    "template": _("Wording"),
    "template_version": _("Version of the wording"),
    "terms": _("Terms"),
    "threshold_fen": _("Threshold"),
    "totp": _("Second factor"),
    "type": _("Type"),
    "username": _("Log-in name"),
    "value": _("Value"),
    "vendor": _("Vendor"),
    "vendor_code": _("Vendor's number"),
    "version": _("Version"),
    "zone": _("Zone"),
}


def actor_name(actor: str, label: str) -> Any:
    """Staff by their name, members as themselves (their name stays on their page), programs by what they do."""
    return _("The member in person") if actor.startswith("member:") else AUTOMATA.get(label, label)


def field_name(name: str) -> Any:
    """What changed, in the reader's words; a value without words keeps its name in the data."""
    return FIELDS.get(name, name)
