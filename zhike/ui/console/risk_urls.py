"""Addresses of oversight."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import oversight

RISK: list[URLPattern] = [
    path("oversight/", oversight.alerts, name="oversight"),
    path("oversight/board/", oversight.board, name="risk_board"),
    path("oversight/detectors/", oversight.detectors, name="risk_detectors"),
    path("oversight/detectors/limit/", oversight.set_limit, name="risk_limit"),
    path("oversight/detectors/<slug:code>/", oversight.detector, name="risk_detector"),
    path("oversight/<int:alert_id>/", oversight.alert, name="risk_alert"),
    path("oversight/<int:alert_id>/take/", oversight.take, name="take_risk_alert"),
    path("oversight/<int:alert_id>/give-back/", oversight.give_back, name="give_back_risk_alert"),
    path("oversight/<int:alert_id>/confirm/", oversight.confirm, name="confirm_risk_alert"),
    path("oversight/<int:alert_id>/dismiss/", oversight.dismiss, name="dismiss_risk_alert"),
    path("oversight/<int:alert_id>/freeze/", oversight.freeze, name="risk_freeze"),
    path("oversight/<int:alert_id>/withdraw/", oversight.withdraw, name="risk_withdraw"),
    path("oversight/<int:alert_id>/void/", oversight.void, name="risk_void"),
    path(
        "oversight/<int:alert_id>/measures/<int:measure_id>/undo/", oversight.undo, name="undo_risk_measure"
    ),
    path(
        "oversight/<int:alert_id>/measures/<int:measure_id>/object/", oversight.object_to, name="risk_object"
    ),
    path(
        "oversight/<int:alert_id>/measures/<int:measure_id>/<slug:verdict>/",
        oversight.decide_measure,
        name="decide_risk_measure",
    ),
    path("oversight/<int:alert_id>/objections/<int:objection_id>/", oversight.answer, name="risk_answer"),
    path(
        "oversight/<int:alert_id>/exemptions/<int:exemption_id>/end/",
        oversight.end_exemption,
        name="end_risk_exemption",
    ),
]
