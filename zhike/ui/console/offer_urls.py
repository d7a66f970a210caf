"""Addresses of the console's pages of offers."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import coupons, promotions

OFFERS: list[URLPattern] = [
    path("coupons/", coupons.batches, name="coupons"),
    path("coupons/keys/", coupons.keys, name="coupon_keys"),
    path("coupons/templates/", coupons.templates, name="coupon_templates"),
    path("coupons/templates/new/", coupons.edit_template, name="new_coupon_template"),
    path("coupons/templates/<int:template_id>/", coupons.edit_template, name="coupon_template"),
    path(
        "coupons/templates/<int:template_id>/retire/", coupons.retire_template, name="retire_coupon_template"
    ),
    path("coupons/templates/<int:template_id>/batch/", coupons.new_batch, name="new_coupon_batch"),
    path("coupons/batches/<int:batch_id>/", coupons.batch, name="coupon_batch"),
    path("coupons/batches/<int:batch_id>/change/", coupons.change_batch, name="change_coupon_batch"),
    path("coupons/batches/<int:batch_id>/push/", coupons.push, name="push_coupons"),
    path("coupons/batches/<int:batch_id>/codes/", coupons.codes, name="coupon_codes"),
    path("coupons/batches/<int:batch_id>/codes/export/", coupons.export_codes, name="export_coupon_codes"),
    path("coupons/list/", coupons.coupons, name="coupon_list"),
    path("coupons/<int:coupon_id>/", coupons.coupon, name="coupon"),
    path("coupons/<int:coupon_id>/void/", coupons.void, name="void_coupon"),
]
OFFERS += [
    path("promotions/", promotions.promotions, name="promotions"),
    path("promotions/try/", promotions.try_basket, name="try_basket"),
    path("promotions/new/", promotions.edit_promotion, name="new_promotion"),
    path("promotions/new/try/", promotions.try_draft, name="try_new_promotion"),
    path("promotions/<int:promotion_id>/", promotions.edit_promotion, name="promotion"),
    path("promotions/<int:promotion_id>/try/", promotions.try_draft, name="try_promotion"),
    path("promotions/<int:promotion_id>/end/", promotions.end_promotion, name="end_promotion"),
]
