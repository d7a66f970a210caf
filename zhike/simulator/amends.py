"""What the desk gives in amends for a complaint, by its cause. Pure and repeatable."""

from __future__ import annotations

from zhike.simulator.complaints import SimTicket

SHARE = 4
"""One in so many solved complaints gets something."""
BY_CAUSE: dict[str, tuple[tuple[str, tuple[int, ...], str, str], ...]] = {
    "goods-quality": (
        ("points", (500, 800, 1_000, 1_500), "merchant", "商品质量问题，商户承担"),
        ("cash", (5_000, 8_800, 16_800), "merchant", "商品质量问题，补偿差价"),
    ),
    "goods-food": (("cash", (9_900, 20_000, 36_000), "merchant", "食品安全问题，退一赔一"),),
    "price-label": (("points", (200, 300, 500), "merchant", "价签错误，商户承担"),),
    "staff-attitude": (
        ("points", (300, 500), "merchant", "店员服务态度，商户致歉"),
        ("gift", (1,), "merchant", "店员服务态度，致歉礼品"),
    ),
    "staff-slow": (("points", (200, 300), "merchant", "排队过久"),),
    "place-parking": (("parking", (1, 2), "mall", "停车设备故障"),),
    "place-clean": (("points", (200,), "mall", "环境问题"),),
    "place-lift": (("vip-lounge", (1, 2), "mall", "扶梯故障受惊"),),
}


def amends_for(one: SimTicket) -> tuple[str, int, str, str] | None:
    """(item, amount, payer, reason), or nothing. Payer "merchant" needs a ticket about one."""
    kinds = BY_CAUSE.get(one.theme.cause)
    if not kinds or one.sale % SHARE:
        return None
    item, amounts, payer, reason = kinds[one.sale // SHARE % len(kinds)]
    return item, amounts[one.sale // SHARE % len(amounts)], payer, reason
