"""Addresses of amends, surveys, reports and what members think; under /console/, before those of tickets."""

from __future__ import annotations

from django.urls import path

from zhike.ui.console.views import compensation, improvement, surveys

RECOVERY = [
    path("service/amends/", compensation.compensations, name="compensations"),
    path("service/amends/export/", compensation.export, name="export_compensations"),
    path("service/amends/catalogue/", compensation.catalogue, name="compensation_catalogue"),
    path("service/amends/catalogue/found/", compensation.found, name="found_compensation"),
    path("service/amends/catalogue/item/", compensation.item, name="compensation_item"),
    path("service/amends/catalogue/authority/", compensation.authority, name="compensation_authority"),
    path(
        "service/amends/<int:compensation_id>/hand-over/",
        compensation.hand_over,
        name="hand_over_compensation",
    ),
    path(
        "service/amends/<int:compensation_id>/withdraw/", compensation.withdraw, name="withdraw_compensation"
    ),
    path("service/amends/<int:compensation_id>/<slug:way>/", compensation.decide, name="decide_compensation"),
    path("service/improvement/", improvement.report, name="improvement"),
    path("service/improvement/new/", improvement.add, name="add_improvement"),
    path("service/improvement/<int:action_id>/done/", improvement.finish, name="finish_improvement"),
    path("surveys/", surveys.surveys, name="surveys"),
    path("surveys/found/", surveys.found, name="found_surveys"),
    path("surveys/new/", surveys.edit, name="new_survey"),
    path("surveys/places/new/", surveys.edit_touchpoint, name="new_touchpoint"),
    path("surveys/places/<int:touchpoint_id>/", surveys.touchpoint, name="touchpoint"),
    path("surveys/places/<int:touchpoint_id>/edit/", surveys.edit_touchpoint, name="edit_touchpoint"),
    path("surveys/<int:survey_id>/", surveys.survey, name="survey"),
    path("surveys/<int:survey_id>/edit/", surveys.edit, name="edit_survey"),
    path("surveys/<int:survey_id>/send/", surveys.send, name="send_survey"),
    path("surveys/<int:survey_id>/export/", surveys.export, name="export_survey"),
    path("service/<slug:number>/amends/", compensation.offer, name="offer_compensation"),
]
