"""Where sales happen."""

from __future__ import annotations

from typing import Annotated

from ninja import Query, Router

from zhike.organization import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.schemas import MerchantOut, MerchantsOut
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["merchants"])


@router.get("/merchants", auth=Needs("organization.view"), response=MerchantsOut)
def list_merchants(
    request: ApiRequest, mall_id: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None
) -> MerchantsOut:
    """The merchants within the key's scope, by mall and code."""
    items = [
        MerchantOut(
            merchant_id=merchant.id,
            code=merchant.code,
            name=merchant.name,
            mall_id=merchant.mall_id,
            mall_code=merchant.mall_code,
            trade_category=merchant.trade_category_code,
            time_zone=merchant.time_zone,
            is_open=merchant.is_open,
        )
        for merchant in queries.merchants(request.viewer, mall_id)
    ]
    return MerchantsOut(items=items)
