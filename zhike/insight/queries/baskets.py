"""What is bought together: searches, their rules, and what came of the coupons that were made of rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from zhike.insight.models import BasketOffer, BasketRule, BasketRun
from zhike.insight.queries._audience import VIEW
from zhike.kernel.access import Viewer, load_visible, visible
from zhike.kernel.errors import NotFound
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.sales import queries as sales

COLUMNS = {"mall": "mall_id"}
ORDERS = {
    "leverage": "-leverage",
    "lift": "-lift",
    "confidence": "-confidence",
    "support": "-both",
}
SHOWN = 60
RUNS_SHOWN = 30


class BasketRunNotFound(NotFound):
    code = "basket-run-not-found"
    title = _("There is no such search.")


@dataclass(frozen=True, slots=True)
class BasketRunView:
    """A search as it was asked for and what came of it."""

    id: int
    mall_id: int | None
    level: str
    unit: str
    days: int
    support_ppm: int
    confidence_bp: int
    count_min: int
    version: int
    until: dt.datetime
    status: str
    fault: str
    baskets: int
    sets: int
    rules: int
    took_ms: int
    asked_by: str
    ran_at: dt.datetime | None

    @property
    def since(self) -> dt.datetime:
        return self.until - dt.timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class BasketItem:
    """``place`` is where a product is sold, "" for merchants and categories."""

    id: int
    name: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class BasketRuleView:
    """``q``: the chance that it is an accident. ``template_id``: the coupon that was made of it, or None."""

    id: int
    antecedent: tuple[BasketItem, ...]
    consequent: BasketItem
    both: int
    before: int
    after: int
    support: float
    confidence: float
    lift: float
    leverage: float
    q: float
    is_across: bool
    template_id: int | None = None


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """``lift_min`` in hundredths; ``q`` a part of a name; ``across``: only between merchants."""

    lift_min: int = 0
    q: str = ""
    across: bool = False
    order: str = "leverage"
    item_id: int | None = None


@dataclass(frozen=True, slots=True)
class BasketOfferView:
    """``confidence`` when it was made, ``confidence_now`` by the newest search that still has the rule, or None."""

    id: int
    text: str
    level: str
    unit: str
    template_id: int
    template_name: str
    made_at: dt.datetime
    made_by: str
    confidence: float
    confidence_now: float | None
    issued: int
    used: int
    discount_fen: int
    sales_fen: int


def basket_runs(viewer: Viewer) -> list[BasketRunView]:
    """In the viewer's scope, newest first; what is the whole group's only for who holds segments.view everywhere."""
    rows = visible(BasketRun.objects.all(), viewer, VIEW, COLUMNS).order_by("-id")
    return [_run(row) for row in rows[:RUNS_SHOWN]]


def basket_run(viewer: Viewer, run_id: int) -> BasketRunView:
    """Raises BasketRunNotFound."""
    return _run(_loaded(viewer, run_id))


def basket_rules(viewer: Viewer, run_id: int, wanted: RuleFilter, limit: int = SHOWN) -> list[BasketRuleView]:
    """The rules of a search, the strongest first. Raises BasketRunNotFound."""
    run = _loaded(viewer, run_id)
    rows = BasketRule.objects.filter(run=run, lift__gte=wanted.lift_min / 100)
    if wanted.q.strip():
        rows = rows.filter(text__icontains=wanted.q.strip())
    if wanted.across:
        rows = rows.filter(is_across=True)
    if wanted.item_id is not None:
        rows = rows.filter(consequent=wanted.item_id) | rows.filter(antecedent__contains=[wanted.item_id])
    made = {
        (tuple(one.antecedent), one.consequent): one.template_id
        for one in BasketOffer.objects.filter(
            group=run.group_id, mall=run.mall_id, level=run.level, unit=run.unit
        )
    }
    ordered = rows.order_by(ORDERS.get(wanted.order, "-leverage"), "id")[:limit]
    return [_rule(run, row, made.get((tuple(row.antecedent), row.consequent))) for row in ordered]


def basket_rule(viewer: Viewer, rule_id: int) -> tuple[BasketRunView, BasketRuleView]:
    """One rule with its search. Raises BasketRunNotFound."""
    row = BasketRule.objects.filter(id=rule_id).first()
    if row is None:
        raise BasketRunNotFound
    run = _loaded(viewer, row.run_id)
    return _run(run), _rule(run, row, None)


def basket_offers(viewer: Viewer) -> list[BasketOfferView]:
    """The coupons that were made of rules, newest first, with what came of them."""
    rows = list(
        visible(BasketOffer.objects.select_related("template"), viewer, VIEW, COLUMNS).order_by("-id")[:SHOWN]
    )
    figures = offers.figures_by_template([row.template_id for row in rows])
    return [_offer(row, figures.get(row.template_id, offers.BatchFigures())) for row in rows]


def names_of(level: str, item_ids: list[int], group_id: int) -> Mapping[int, tuple[str, int | None]]:
    """The name of each item, and of a product its merchant's id."""
    if level == "merchant":
        refs = {pk: organization.merchant_ref(pk) for pk in item_ids}
        return {pk: (ref.name, pk) for pk, ref in refs.items() if ref is not None}
    if level == "category":
        known = {one.id: one.name for one in sales.product_categories(group_id)}
        return {pk: (known.get(pk, ""), None) for pk in item_ids}
    return {pk: (one.name, one.merchant_id) for pk, one in sales.product_faces(item_ids).items()}


def _loaded(viewer: Viewer, run_id: int) -> BasketRun:
    try:
        return load_visible(BasketRun.objects.all(), run_id, viewer, VIEW, COLUMNS)
    except NotFound:
        raise BasketRunNotFound from None


def _run(row: BasketRun) -> BasketRunView:
    return BasketRunView(**{name: getattr(row, name) for name in BasketRunView.__dataclass_fields__})


def _item(run: BasketRun, pk: int) -> BasketItem:
    name, merchant_id = run.items.get(str(pk), ("", None))
    merchant = (
        organization.merchant_ref(merchant_id) if run.level == "product" and merchant_id is not None else None
    )
    return BasketItem(pk, name or f"#{pk}", merchant.name if merchant else "")


def _rule(run: BasketRun, row: BasketRule, template_id: int | None) -> BasketRuleView:
    return BasketRuleView(
        id=row.pk,
        antecedent=tuple(_item(run, pk) for pk in row.antecedent),
        consequent=_item(run, row.consequent),
        both=row.both,
        before=row.before,
        after=row.after,
        support=row.both / run.baskets,
        confidence=row.confidence,
        lift=row.lift,
        leverage=row.leverage,
        q=row.q,
        is_across=row.is_across,
        template_id=template_id,
    )


def _offer(row: BasketOffer, figures: offers.BatchFigures) -> BasketOfferView:
    newest = (
        BasketRule.objects.filter(
            run__group=row.group_id,
            run__mall=row.mall_id,
            run__level=row.level,
            run__unit=row.unit,
            run__until__gt=row.made_at,
            antecedent=row.antecedent,
            consequent=row.consequent,
        )
        .order_by("-run__version")
        .values_list("confidence", flat=True)
        .first()
    )
    return BasketOfferView(
        id=row.pk,
        text=row.text,
        level=row.level,
        unit=row.unit,
        template_id=row.template_id,
        template_name=row.template.name,
        made_at=row.made_at,
        made_by=row.made_by,
        confidence=row.confidence,
        confidence_now=newest,
        issued=sum(figures.counts.values()),
        used=figures.uses,
        discount_fen=figures.discount_fen,
        sales_fen=figures.sales_fen,
    )
