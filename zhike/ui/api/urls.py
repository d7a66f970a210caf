"""Addresses of the API; mounted at the root. The first ones are the busiest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.urls import path, re_path

from zhike.kernel.errors import NotFound
from zhike.ui.api import (
    cloud_events,
    collect,
    coupons,
    docs,
    health,
    holds,
    metrics,
    openapi,
    prices,
    receipts,
    redemptions,
)
from zhike.ui.api.lane import laned
from zhike.ui.api.routes import (
    adjustments,
    after_sales,
    campaigns,
    care,
    chances,
    compliance,
    conversations,
    engagement,
    finance,
    forms,
    gifts,
    history,
    households,
    journeys,
    ledger,
    listening,
    log,
    members,
    merges,
    missions,
    oversight,
    photo_claims,
    places,
    quality,
    rates,
    recommendations,
    rights,
    roi,
    scores,
    segments,
    stamps,
    subscriptions,
    tags,
    tickets,
    tier_policy,
    tiers,
    uplift,
    verbatims,
    watch,
    welcomes,
)
from zhike.ui.api.routes import coupons as coupon_routes
from zhike.ui.api.routes import receipts as receipt_routes
from zhike.ui.api.routes import redemptions as redemption_routes
from zhike.ui.api.routes import rewards as reward_routes
from zhike.ui.api.routes.base import api

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest

app_name = "api"

for _router in (
    members.router,
    merges.router,
    receipt_routes.router,
    photo_claims.router,
    redemption_routes.router,
    rates.router,
    adjustments.router,
    coupon_routes.router,
    reward_routes.router,
    chances.router,
    gifts.router,
    campaigns.router,
    uplift.router,
    roi.router,
    journeys.router,
    log.router,
    places.router,
    ledger.router,
    finance.router,
    tickets.router,
    after_sales.router,
    watch.router,
    quality.router,
    conversations.router,
    care.router,
    subscriptions.router,
    forms.router,
    listening.router,
    verbatims.router,
    engagement.router,
    welcomes.router,
    stamps.router,
    oversight.router,
    missions.router,
    households.router,
    scores.router,
    history.router,
    segments.router,
    rights.router,
    compliance.router,
    tags.router,
    tier_policy.router,
    tiers.router,
    recommendations.router,
):
    api.add_router("", _router)


def not_found(request: ApiRequest) -> NoReturn:
    raise NotFound


def _plain(view: Any) -> Any:
    """A view of the API's own handler, whose requests and answers are lighter than Django's."""
    return view


urlpatterns = [
    path("api/v1/receipts", laned(receipts.take_receipt)),
    path("api/v1/members/<int:member_id>/redemptions", laned(redemptions.redeem)),
    path("api/v1/members/<int:member_id>/holds", laned(holds.hold)),
    path("api/v1/holds/<uuid:hold_id>/confirm", laned(holds.confirm)),
    path("api/v1/holds/<uuid:hold_id>/release", laned(holds.release)),
    path("api/v1/receipts/batch", _plain(receipts.take_batch)),
    path("api/v1/coupons/quote", _plain(coupons.quote)),
    path("api/v1/prices/quote", _plain(prices.quote)),
    path("api/v1/coupons/locks", laned(coupons.lock)),
    path("api/v1/coupons/locks/<uuid:lock_id>/confirm", laned(coupons.confirm)),
    path("api/v1/coupons/locks/<uuid:lock_id>/release", laned(coupons.release)),
    path("api/v1/coupon-batches/<int:batch_id>/claims", _plain(coupons.claim)),
    path("v1/cloudevents", _plain(cloud_events.receive)),
    path("v1/<slug:call>", _plain(collect.collect)),
    path("api/v1/openapi.json", _plain(openapi.openapi_json), name="openapi"),
    path("api/v1/", api.urls),
    path("api/docs", docs.docs, name="docs"),
    path("health/live", _plain(health.live)),
    path("health/ready", _plain(health.ready)),
    path("metrics", _plain(metrics.metrics)),
    re_path(r"^(?:api|v1|health|metrics)(?:/|$)", not_found),
]
