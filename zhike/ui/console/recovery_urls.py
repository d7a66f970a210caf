"""Addresses of amends, surveys, reports and what members think; under /console/, before those of tickets."""

from __future__ import annotations

from django.urls import path

from zhike.ui.console.views import compensation

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
    path("service/<slug:number>/amends/", compensation.offer, name="offer_compensation"),
]
