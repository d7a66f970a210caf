"""What the audit trail says of segments and of where members stand."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

AUDIT_ACTIONS = {
    "segment.save": _("Segment saved"),
    "segment.freeze": _("Segment frozen"),
    "segment.export": _("Segment exported"),
    "segment.archive": _("Segment put away"),
    "lifetime.fit": _("Model of future value fitted"),
    "standing.stages": _("Thresholds of the stages published"),
    "standing.rfm": _("Settings of RFM published"),
}
AUDIT_SUBJECTS = {"segment": _("Segment"), "lifetime_run": _("Fit")}
