"""Addresses of the console's pages of journeys."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import journey_canvas, journey_steps, journeys

JOURNEYS: list[URLPattern] = [
    path("journeys/", journeys.journeys, name="journeys"),
    path("journeys/new/", journey_steps.new, name="new_journey"),
    path("journeys/templates/<slug:code>/", journey_steps.take_template, name="take_journey_template"),
    path("journeys/<int:journey_id>/", journeys.journey, name="journey"),
    path("journeys/<int:journey_id>/figures/", journeys.figures, name="journey_figures"),
    path("journeys/<int:journey_id>/about/", journeys.about, name="journey_about"),
    path("journeys/<int:journey_id>/people/", journeys.people, name="journey_people"),
    path("journeys/<int:journey_id>/people/<int:entry_id>/", journeys.walk, name="journey_path"),
    path("journeys/<int:journey_id>/results/", journeys.results, name="journey_results"),
    path("journeys/<int:journey_id>/settings/", journey_canvas.settle, name="journey_settings"),
    path("journeys/<int:journey_id>/add/", journey_canvas.add, name="add_journey_node"),
    path("journeys/<int:journey_id>/move/", journey_canvas.move, name="move_journey_node"),
    path("journeys/<int:journey_id>/nodes/<slug:key>/", journey_canvas.node, name="journey_node"),
    path(
        "journeys/<int:journey_id>/nodes/<slug:key>/remove/",
        journey_canvas.remove,
        name="remove_journey_node",
    ),
    path(
        "journeys/<int:journey_id>/nodes/<slug:key>/connect/",
        journey_canvas.connect,
        name="connect_journey_node",
    ),
    path("journeys/<int:journey_id>/trial/", journey_canvas.trial, name="journey_trial"),
    path("journeys/<int:journey_id>/rename/", journey_steps.rename, name="rename_journey"),
    path("journeys/<int:journey_id>/enter/", journey_steps.enter, name="enter_journey"),
    path("journeys/<int:journey_id>/back/", journey_steps.send_back, name="send_back_journey"),
    path("journeys/<int:journey_id>/<slug:name>/", journey_steps.take_step, name="journey_step"),
]
