"""Addresses of the rights desk."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import compliance, rights

RIGHTS: list[URLPattern] = [
    path("rights/", rights.requests, name="rights"),
    path("rights/catalogue/", rights.catalogue, name="data_catalogue"),
    path("rights/retention/", rights.retention, name="retention"),
    path("rights/retention/<slug:code>/", rights.set_retention, name="set_retention"),
    path("rights/reports/", compliance.reports, name="compliance"),
    path("rights/reports/new/", compliance.make_report, name="make_compliance_report"),
    path("rights/reports/<int:report_id>/", compliance.report, name="compliance_report"),
    path("rights/<int:request_id>/", rights.request_page, name="rights_request"),
    path("rights/<int:request_id>/approve/", rights.approve, name="approve_rights"),
    path("rights/<int:request_id>/refuse/", rights.refuse, name="refuse_rights"),
    path("rights/<int:request_id>/cancel/", rights.cancel, name="cancel_rights"),
    path("rights/<int:request_id>/certificate/", rights.certificate, name="rights_certificate"),
    path("members/<int:member_id>/rights/new/", rights.ask, name="ask_rights"),
    path("members/<int:member_id>/rights/lift/", rights.lift, name="lift_restriction"),
]
