"""Addresses of the console's pages of forms."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import webform_answers, webforms

FORMS: list[URLPattern] = [
    path("forms/", webforms.all_forms, name="forms"),
    path("forms/new/", webforms.new, name="new_form"),
    path("forms/<int:form_id>/", webforms.form, name="form"),
    path("forms/<int:form_id>/change/", webforms.change, name="change_form"),
    path("forms/<int:form_id>/fields/<slug:key>/", webforms.field, name="form_field"),
    path("forms/<int:form_id>/words/", webforms.wording, name="form_words"),
    path("forms/<int:form_id>/deeds/", webforms.deeds, name="form_deeds"),
    path("forms/<int:form_id>/taking/", webforms.taking, name="form_taking"),
    path("forms/<int:form_id>/publish/", webforms.publish, name="publish_form"),
    path("forms/<int:form_id>/close/", webforms.close, name="close_form"),
    path("forms/<int:form_id>/share/", webforms.share, name="form_share"),
    path("forms/<int:form_id>/results/", webform_answers.results, name="form_results"),
    path("forms/<int:form_id>/export/", webform_answers.export, name="export_form"),
    path("forms/<int:form_id>/answers/<uuid:answer_id>/", webform_answers.answer, name="form_answer"),
    path(
        "forms/<int:form_id>/answers/<uuid:answer_id>/lead/",
        webform_answers.settle_lead,
        name="settle_form_lead",
    ),
    path(
        "forms/<int:form_id>/answers/<uuid:answer_id>/phone/",
        webform_answers.reveal_phone,
        name="reveal_form_phone",
    ),
    path(
        "forms/<int:form_id>/answers/<uuid:answer_id>/files/<int:file_id>/",
        webform_answers.file,
        name="form_answer_file",
    ),
]
