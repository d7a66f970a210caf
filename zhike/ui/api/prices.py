"""`POST /prices/quote`: what a basket costs under the promotions in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from zhike.kernel.access import require_touch
from zhike.offers import queries
from zhike.ui.api import body, refs
from zhike.ui.api.coupons import USE, admit, member_of, numbers_and_categories
from zhike.ui.api.offer_shapes import (
    GiftOut,
    LineOffOut,
    PricedLineOut,
    PriceQuoteIn,
    PriceQuoteOut,
    PromotionAppliedOut,
    PromotionNearOut,
)
from zhike.ui.api.once import ENCODER, answer

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest
    from zhike.ui.api.responses import JsonResponse

QUOTE = msgspec.json.Decoder(PriceQuoteIn)


def quote(request: ApiRequest) -> JsonResponse:
    """200 with the best price, its promotions and what a little more would bring."""
    now, payload = admit(request, USE)
    asked = body.decode(payload, QUOTE)
    merchant = refs.merchant_of(asked)
    require_touch(request.viewer, USE, mall=merchant.mall_id, merchant=merchant.id)
    places = numbers_and_categories(asked.lines, merchant.group_id)
    lines = [
        queries.PricedLine(number, line.quantity, line.unit_price_fen, line.sku, category_id)
        for line, (number, category_id) in zip(asked.lines, places, strict=True)
    ]
    member_id = member_of(request, asked.member, now)
    found = queries.price_quote(request.viewer, merchant.id, lines, now, member_id=member_id)
    return answer(ENCODER.encode(_out(found)), 200, replayed=False)


def _out(found: queries.PriceView) -> PriceQuoteOut:
    return PriceQuoteOut(
        found.gross_fen,
        found.discount_fen,
        found.net_fen,
        found.is_exact,
        [
            PricedLineOut(line.line_no, line.gross_fen, line.discount_fen, line.net_fen)
            for line in found.lines
        ],
        [
            PromotionAppliedOut(
                one.promotion_id,
                one.code,
                one.name,
                one.kind,
                one.sentence,
                one.discount_fen,
                [LineOffOut(*line) for line in one.lines],
                [GiftOut(*gift) for gift in one.gifts],
            )
            for one in found.applied
        ],
        [
            PromotionNearOut(
                one.promotion_id, one.code, one.name, one.sentence, one.missing_fen, one.missing_quantity
            )
            for one in found.near
        ],
    )
