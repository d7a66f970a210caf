"""Promotions as staff see them, and what a basket costs under those in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _

from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.money import yuan_text
from zhike.kernel.statements import fetch_row
from zhike.offers.models import Promotion, PromotionVersion
from zhike.offers.queries.held import MerchantUnknown
from zhike.offers.queries.sentences import rate_text, short_yuan
from zhike.offers.rules import pricing
from zhike.offers.rules.promotions import Place, PromotionDefinition, holds, parse_promotion
from zhike.offers.rules.promotions import Promotion as Rule
from zhike.organization import queries as organization

VIEW = "offers.view"
COLUMNS = {"mall": "mall_id"}
DRAFT_ID = 0


@dataclass(frozen=True, slots=True)
class VersionView:
    version: int
    definition: Mapping[str, Any]
    rule: PromotionDefinition
    effective_from: dt.datetime
    effective_to: dt.datetime | None
    note: str
    published_by: str

    @property
    def text(self) -> str:
        return promotion_text(self.rule)


@dataclass(frozen=True, slots=True)
class PromotionView:
    """``state``: running, planned or ended; ``shown`` is the version in force, else the next, else the last."""

    id: int
    group_id: int
    mall_id: int | None
    code: str
    name: str
    state: str
    shown: VersionView
    versions: tuple[VersionView, ...]


def promotions(viewer: Viewer, now: dt.datetime) -> list[PromotionView]:
    """All promotions in scope with their versions, newest first."""
    rows = list(visible(Promotion.objects.all(), viewer, VIEW, COLUMNS).order_by("-id"))
    return _views(rows, now)


def promotion(viewer: Viewer, promotion_id: int, now: dt.datetime) -> PromotionView:
    """Raises NotFound."""
    return _views([load_visible(Promotion.objects.all(), promotion_id, viewer, VIEW, COLUMNS)], now)[0]


def _views(rows: Sequence[Promotion], now: dt.datetime) -> list[PromotionView]:
    versions: dict[int, list[VersionView]] = {row.pk: [] for row in rows}
    for one in PromotionVersion.objects.filter(promotion_id__in=versions).order_by("-version"):
        versions[one.promotion_id].append(
            VersionView(
                one.version,
                one.definition,
                parse_promotion(one.definition),
                one.effective_from,
                one.effective_to,
                one.note,
                one.published_by,
            )
        )
    return [_view(row, versions[row.pk], now) for row in rows]


def _view(row: Promotion, versions: list[VersionView], now: dt.datetime) -> PromotionView:
    begun = next((one for one in versions if one.effective_from <= now), None)
    planned = next((one for one in reversed(versions) if one.effective_from > now), None)
    is_over = row.ends_at is not None and row.ends_at <= now
    runs = begun is not None and (begun.effective_to is None or now < begun.effective_to)
    state = "ended" if is_over else "running" if runs else "planned" if planned else "ended"
    shown = begun if runs and begun else planned or versions[0]
    return PromotionView(row.pk, row.group_id, row.mall_id, row.code, row.name, state, shown, tuple(versions))


def _in_force(
    group_id: int, mall_id: int, at: dt.datetime
) -> dict[int, tuple[Promotion, PromotionDefinition]]:
    """The promotions of a mall at a moment, by id, each with its version in force."""
    found = (
        PromotionVersion.objects.filter(
            Q(promotion__ends_at=None) | Q(promotion__ends_at__gt=at),
            Q(promotion__mall_id=mall_id) | Q(promotion__mall_id=None),
            promotion__group_id=group_id,
            effective_from__lte=at,
        )
        .order_by("promotion_id", "-version")
        .distinct("promotion_id")
        .select_related("promotion")
    )
    return {
        one.promotion_id: (one.promotion, parse_promotion(one.definition))
        for one in found
        if one.effective_to is None or at < one.effective_to
    }


@dataclass(frozen=True, slots=True)
class AppliedView:
    """A promotion in the best price: its sentence, fen off by line, gifts as (what, how many)."""

    promotion_id: int
    code: str
    name: str
    kind: str
    sentence: str
    discount_fen: int
    lines: tuple[tuple[int, int], ...]
    gifts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NearView:
    """What a little more would bring."""

    promotion_id: int
    code: str
    name: str
    sentence: str
    missing_fen: int
    missing_quantity: int


@dataclass(frozen=True, slots=True)
class PricedLineView:
    line_no: int
    gross_fen: int
    discount_fen: int

    @property
    def net_fen(self) -> int:
        return self.gross_fen - self.discount_fen


@dataclass(frozen=True, slots=True)
class PriceView:
    """``is_exact``: no other choice of promotions takes more off."""

    gross_fen: int
    discount_fen: int
    lines: tuple[PricedLineView, ...]
    applied: tuple[AppliedView, ...]
    near: tuple[NearView, ...]
    is_exact: bool

    @property
    def net_fen(self) -> int:
        return self.gross_fen - self.discount_fen


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition that is not published yet, tried in the place of promotion ``replaces``."""

    name: str
    definition: PromotionDefinition
    replaces: int | None = None


def price_quote(
    viewer: Viewer,
    merchant_id: int,
    lines: Sequence[pricing.PricedLine],
    at: dt.datetime,
    *,
    member_id: int | None = None,
    draft: Draft | None = None,
) -> PriceView:
    """The best price of a basket under the promotions in force at a moment, explained; changes nothing.

    Raises MerchantUnknown, NotAllowed.
    """
    require(viewer, "offers.view" if viewer.may("offers.view") else "coupons.use")
    merchant = organization.merchant_ref(merchant_id)
    if merchant is None:
        raise MerchantUnknown
    found = _in_force(merchant.group_id, merchant.mall_id, at)
    place = Place(
        merchant.mall_id,
        merchant.id,
        merchant.trade_category_id,
        at.astimezone(ZoneInfo(merchant.time_zone)),
        _tier_of(member_id, at),
    )
    names = {key: (row.code, row.name) for key, (row, _rule) in found.items()}
    rules = {key: rule for key, (_row, rule) in found.items() if holds(rule, place)}
    if draft is not None:
        rules.pop(draft.replaces or DRAFT_ID, None)
        if holds(draft.definition, place):
            rules[DRAFT_ID] = draft.definition
        names[DRAFT_ID] = ("", draft.name)
    priced = pricing.best_price(lines, [Rule(key, rule) for key, rule in rules.items()])
    return _priced(priced, lines, rules, names)


def _tier_of(member_id: int | None, at: dt.datetime) -> int | None:
    if member_id is None:
        return None
    row = fetch_row(
        "SELECT loyalty_tier_at(o.id, o.tier_id, o.earned_tier_id, o.tier_due, %s::timestamptz)"
        " FROM loyalty_member m JOIN loyalty_member o ON o.id = coalesce(m.survivor_id, m.id)"
        " WHERE m.id = %s",
        [at, member_id],
    )
    return row[0] if row else None


def _priced(
    priced: pricing.Priced,
    lines: Sequence[pricing.PricedLine],
    rules: Mapping[int, PromotionDefinition],
    names: Mapping[int, tuple[str, str]],
) -> PriceView:
    off = priced.line_discounts()
    return PriceView(
        priced.gross_fen,
        priced.discount_fen,
        tuple(PricedLineView(line.line_no, line.gross_fen, off.get(line.line_no, 0)) for line in lines),
        tuple(
            AppliedView(
                one.promotion_id,
                *names[one.promotion_id],
                rules[one.promotion_id].kind,
                promotion_text(rules[one.promotion_id]),
                one.discount_fen,
                one.lines,
                one.gifts,
            )
            for one in priced.applied
        ),
        tuple(
            NearView(
                one.promotion_id,
                *names[one.promotion_id],
                _near_text(one, rules[one.promotion_id]),
                one.missing_fen,
                one.missing_quantity,
            )
            for one in priced.near
        ),
        priced.is_exact,
    )


def _near_text(one: pricing.NearMiss, rule: PromotionDefinition) -> str:
    text = promotion_text(rule)
    if one.missing_fen:
        return _("¥%(missing)s more: %(promotion)s") % {
            "missing": yuan_text(one.missing_fen),
            "promotion": text,
        }
    return _("%(missing)s more pieces: %(promotion)s") % {"missing": one.missing_quantity, "promotion": text}


def promotion_text(rule: PromotionDefinition) -> str:
    """What a promotion does, in one line."""
    minimum = short_yuan(rule.minimum_fen)
    if rule.kind == "reach":
        parts = [
            _("¥%(off)s off from ¥%(minimum)s") % {"off": short_yuan(off), "minimum": short_yuan(step)}
            for step, off in rule.steps
        ]
    elif rule.kind == "every":
        parts = [
            _("¥%(off)s off for every ¥%(minimum)s") % {"off": short_yuan(rule.off_fen), "minimum": minimum}
        ]
    elif rule.kind == "pieces":
        parts = [
            _("%(pieces)s pieces: %(rate)s") % {"pieces": need, "rate": rate_text(bp)}
            for need, bp in rule.steps
        ]
    elif rule.kind == "nth":
        parts = [
            _("every piece no. %(nth)s: %(rate)s") % {"nth": rule.nth, "rate": rate_text(rule.percent_bp)}
        ]
    elif rule.kind == "percent":
        parts = [rate_text(rule.percent_bp)]
    else:
        parts = []
    if rule.minimum_fen and rule.kind in ("percent", "nth", "pieces"):
        parts.append(_("from ¥%(amount)s") % {"amount": minimum})
    if rule.cap_fen:
        parts.append(_("at most ¥%(amount)s off") % {"amount": short_yuan(rule.cap_fen)})
    if rule.gift:
        text = _("%(gift)s as a gift from ¥%(minimum)s") if rule.minimum_fen else _("%(gift)s as a gift")
        parts.append(
            text % {"gift": rule.gift, "minimum": minimum} if rule.minimum_fen else text % {"gift": rule.gift}
        )
    return _(", ").join(parts)
