"""Words of the pages of oversight."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.risk.queries import DETECTOR_NAMES, DETECTOR_PARAMS

RISK_DETECTORS = DETECTOR_NAMES
RISK_PARAMS = DETECTOR_PARAMS
RISK_STATES = {
    "open": _("Waits"),
    "reviewing": _("Being looked into"),
    "confirmed": _("Confirmed"),
    "dismissed": _("Dismissed"),
}
RISK_STATE_TONES = {"open": "warning", "reviewing": "info", "confirmed": "error", "dismissed": ""}
RISK_SEVERITIES = {"1": _("Slight"), "2": _("Medium"), "3": _("High")}
RISK_SEVERITY_TONES = {"1": "", "2": "warning", "3": "error"}
RISK_SUBJECTS = {"member": _("Member"), "cashier": _("Cashier"), "desk": _("Enrolling desk")}
RISK_DEEDS = {
    "sale": _("Purchase"),
    "claim": _("Receipt claimed"),
    "clawed": _("Returned"),
    "redeemed": _("Points spent"),
    "adjusted": _("Corrected by hand"),
    "joined": _("Enrolled"),
    "invited": _("Came by invitation"),
    "coupon": _("Took a coupon"),
    "phone": _("New phone number"),
    "shared": _("Same device or identifier"),
    "forged": _("Photographed receipt refused"),
}
RISK_MEASURES = {
    "freeze": _("Points frozen"),
    "withdraw": _("Gains withdrawn"),
    "void": _("Coupons made void"),
}
RISK_MEASURE_STATES = {
    "asked": _("Waits for a second person"),
    "done": _("In force"),
    "refused": _("Refused"),
    "undone": _("Undone"),
}
RISK_MEASURE_TONES = {"asked": "warning", "done": "error", "refused": "", "undone": "success"}
RISK_ACTIONS = {
    "member.restrain": _("Points frozen"),
    "member.release": _("Points free again"),
    "gain.withdraw": _("Gain withdrawn"),
    "gain.restore": _("Gain given back"),
    "coupon.reinstate": _("Coupon counts again"),
    "risk_alert.take": _("Alert taken"),
    "risk_alert.give_back": _("Alert given back"),
    "risk_alert.confirmed": _("Alert confirmed"),
    "risk_alert.dismissed": _("Alert dismissed"),
    "measure.ask": _("Measure asked for"),
    "measure.freeze": _("Freeze carried out"),
    "measure.withdraw": _("Withdrawal carried out"),
    "measure.void": _("Coupons made void"),
    "measure.refuse": _("Measure refused"),
    "measure.undo": _("Measure undone"),
    "objection.raise": _("Objection noted"),
    "objection.answer": _("Objection answered"),
    "exemption.grant": _("Exemption granted"),
    "exemption.end": _("Exemption ended"),
    "detector.publish": _("Detector changed"),
    "oversight.limit": _("Limit of oversight changed"),
}
RISK_PERMISSIONS = {
    "risk.view": _("See alerts of oversight"),
    "risk.handle": _("Look into alerts, freeze and withdraw points"),
    "risk.approve": _("Approve measures above the limit"),
    "risk.edit": _("Change detectors"),
}
