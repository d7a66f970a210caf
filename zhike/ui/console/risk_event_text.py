"""What oversight did about a member, and what stops or took their points, as lines of the timeline."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.ui.components.formatting import points_text
from zhike.ui.console.risk_labels import RISK_DETECTORS, RISK_MEASURES
from zhike.ui.console.told import Data, Names, Teller, Told, receipt_url


def _told(data: Data, title: str, detail: str, icon: str, tone: str = "warning") -> Told:
    return Told(title, detail, icon, tone, reverse("console:risk_alert", args=[data["alert_id"]]))


def _detector(data: Data) -> str:
    return str(RISK_DETECTORS.get(data["detector"], data["detector"]))


def _measure(data: Data) -> str:
    return str(RISK_MEASURES.get(data["kind"], data["kind"]))


def _raised(data: Data, tiers: Names) -> Told:
    return _told(data, _("Something unusual was noticed"), _detector(data), "radar")


def _taken(data: Data, tiers: Names) -> Told:
    if data["staff_id"] is None:
        return _told(data, _("An alert went back to the queue"), _detector(data), "undo-2")
    return _told(data, _("Somebody looks into an alert"), _detector(data), "search")


def _decided(data: Data, tiers: Names) -> Told:
    if data["confirmed"]:
        return _told(data, _("An alert was confirmed"), _detector(data), "shield-alert", "error")
    return _told(data, _("An alert was dismissed"), _detector(data), "shield-check", "success")


def _asked(data: Data, tiers: Names) -> Told:
    return _told(data, _("A measure waits for a second person"), _measure(data), "users-round")


def _done(data: Data, tiers: Names) -> Told:
    return _told(data, _("A measure was taken"), _measure(data), "gavel", "error")


def _refused(data: Data, tiers: Names) -> Told:
    return _told(data, _("A measure was refused"), _measure(data), "x")


def _undone(data: Data, tiers: Names) -> Told:
    return _told(data, _("A measure was undone"), _measure(data), "undo-2", "success")


def _objected(data: Data, tiers: Names) -> Told:
    return _told(data, _("Objected to a measure"), _detector(data), "message-circle")


def _answered(data: Data, tiers: Names) -> Told:
    title = _("An objection was upheld") if data["upheld"] else _("An objection was turned down")
    return _told(data, title, _detector(data), "message-circle")


def _exempted(data: Data, tiers: Names) -> Told:
    return Told(_("Exempt from a detector for a time"), _detector(data), "shield-check")


def _detector_published(data: Data, tiers: Names) -> Told:
    return Told(_("A detector got new numbers"), _detector(data), "sliders-horizontal")


def _restrained(data: Data, tiers: Names) -> Told:
    detail = _("nothing is earned either") if data["stops_earning"] else _("what is earned waits")
    return Told(_("Points frozen"), detail, "snowflake", "error")


def _lifted(data: Data, tiers: Names) -> Told:
    return Told(_("Points can be used again"), "", "sun", "success")


def _withdrawn(data: Data, tiers: Names) -> Told:
    title = _("%(points)s of a receipt withdrawn") % {"points": points_text(data["points"])}
    return Told(title, "", "undo-2", "error", receipt_url(data["receipt_id"]))


def _restored(data: Data, tiers: Names) -> Told:
    title = _("%(points)s of a receipt given back") % {"points": points_text(data["points"])}
    return Told(title, "", "redo-2", "success", receipt_url(data["receipt_id"]))


def _reinstated(data: Data, tiers: Names) -> Told:
    return Told(_("A void coupon counts again"), "", "ticket", "success")


RISK_TELLERS: dict[str, Teller] = {
    "risk.alert_raised": _raised,
    "risk.alert_taken": _taken,
    "risk.alert_decided": _decided,
    "risk.measure_asked": _asked,
    "risk.measure_taken": _done,
    "risk.measure_refused": _refused,
    "risk.measure_undone": _undone,
    "risk.objection_raised": _objected,
    "risk.objection_answered": _answered,
    "risk.exemption_granted": _exempted,
    "risk.detector_published": _detector_published,
    "loyalty.spending_restrained": _restrained,
    "loyalty.restraint_lifted": _lifted,
    "loyalty.gain_withdrawn": _withdrawn,
    "loyalty.gain_restored": _restored,
    "offers.coupon_reinstated": _reinstated,
}
