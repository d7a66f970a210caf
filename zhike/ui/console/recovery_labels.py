"""What the audit trail calls amends, surveys and improvements."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

RECOVERY_ACTIONS = {
    "compensation.propose": _("Amends proposed"),
    "compensation.approve": _("Amends agreed to"),
    "compensation.reject": _("Amends refused"),
    "compensation.give": _("Amends given"),
    "compensation.withdraw": _("Amends taken back"),
    "compensation_item.save": _("Item of the catalogue of amends saved"),
    "compensation_authority.save": _("Limit of a role saved"),
    "points.grant": _("Points given"),
    "points.revoke": _("Given points taken back"),
    "survey.save": _("Survey saved"),
    "survey.send": _("Survey sent to a sample"),
    "survey.answer": _("Survey answered"),
    "touchpoint.save": _("Place saved"),
    "improvement.begin": _("Improvement begun"),
    "improvement.finish": _("Improvement done"),
}
