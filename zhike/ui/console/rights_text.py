"""The rights desk in the audit trail, among permissions and on the timeline."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.components.rights_labels import RIGHTS_ACTS

RIGHTS_ACTIONS = {f"rights.{act}": name for act, name in RIGHTS_ACTS.items()} | {
    "person.restrict": _("Changed whether data may be used"),
    "member.close": _("Ended a membership"),
    "coupon.void_left": _("Voided the coupons of somebody who left"),
    "retention.publish": _("Changed how long data are kept"),
    "compliance.report": _("Compliance report made"),
    "retention.purge": _("Let old data go"),
}
RIGHTS_PERMISSIONS = {
    "rights.view": _("See privacy requests and the catalogue of data"),
    "rights.ask": _("Take privacy requests down"),
    "rights.handle": _("Deal with privacy requests"),
    "rights.approve": _("Approve erasures that others took down"),
    "retention.edit": _("Say how long data are kept"),
}
