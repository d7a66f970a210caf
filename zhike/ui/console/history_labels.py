"""Words for the columnar history: its tables, runs and figures."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

TABLES = {
    "orders": _("Receipts"),
    "order_lines": _("Lines of receipts"),
    "events": _("Behaviour"),
    "points": _("Points entries"),
    "customers": _("Known customers"),
    "visitors": _("Browsers that are somebody's"),
}
KINDS = {
    "export": _("Brought up to date"),
    "rebuild": _("Made anew"),
    "verify": _("Checked"),
    "forget": _("Somebody taken out"),
}
STATES = {
    "working": _("under way"),
    "done": _("agrees"),
    "differs": _("differs"),
    "failed": _("failed"),
}
TONES = {"working": "info", "done": "success", "differs": "error", "failed": "error"}
FAULTS = {"broken-off": _("The process was ended in the middle; the files are those of before.")}
CODES = {"rfm": _("RFM groups"), "daily": _("Daily receipts")}
PARTS = {
    "members": _("Members"),
    "fen": _("Net spend"),
    "purchases": _("Number of purchases"),
    "receipts": _("Receipts"),
    "returns": _("Returns"),
    "net_fen": _("Net sales"),
    "refund_fen": _("Refunds"),
    "of_members": _("Receipts of members"),
    "differing-days": _("Days that differ"),
}
STEPS = {
    "product_viewed": _("Looked at a product"),
    "product_added": _("Put it into the cart"),
    "order_completed": _("Placed the order"),
}
