"""What is bought together is searched for by a worker, kept in versions, and made into coupons."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.insight import _baskets as mining
from zhike.insight.events import BasketOfferMade, BasketsSearched
from zhike.insight.models import BasketOffer, BasketRule, BasketRun
from zhike.insight.queries import baskets as queries
from zhike.insight.rules import baskets as rules
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.offers import operations as offers
from zhike.organization import queries as organization
from zhike.sales import queries as sales

EDIT = "segments.edit"
JOB = "zhike.insight.jobs.search_baskets"
RULES_KEPT = 5_000
VERSIONS_KEPT = 8
NAME_MAX = 80
RENEWED_AFTER = dt.timedelta(days=6)
DAY = dt.timedelta(days=1)


class BasketPlanUnusable(Invalid):
    code = "basket-plan-unusable"
    title = _("The search cannot be like this.")


FAULTS = {
    "level": _("Choose one of them."),
    "unit": _("A receipt is of one merchant: between merchants look at visits."),
    "days": _("Between 1 and 730 days."),
    "support_ppm": _("Between 0.001 and 100 per cent."),
    "confidence_bp": _("Between 0.01 and 100 per cent."),
    "count_min": _("At least 2 baskets."),
}


@transaction.atomic
def order_basket_search(*, actor: Viewer, group_id: int, plan: rules.BasketPlan, now: dt.datetime) -> int:
    """Have a worker search; the id of the next version. Raises BasketPlanUnusable, NotAllowed."""
    from procrastinate.contrib.django import app

    run = _begin(actor, group_id, plan, now)
    app.configure_task(JOB, queue="default").defer(run_id=run.pk)
    return run.pk


def _begin(actor: Viewer, group_id: int, plan: rules.BasketPlan, now: dt.datetime) -> BasketRun:
    require_touch(actor, EDIT, mall=plan.mall_id)
    if faults := rules.plan_faults(plan):
        raise BasketPlanUnusable(fields={name: [FAULTS[name]] for name in faults})
    if plan.mall_id is not None and organization.mall(plan.mall_id).group_id != group_id:
        raise BasketPlanUnusable
    same = BasketRun.objects.filter(group_id=group_id, mall=plan.mall_id, level=plan.level, unit=plan.unit)
    # Versions are numbered one after the other: two who ask at once wait for each other.
    list(same.select_for_update().order_by("id").values_list("id"))
    return BasketRun.objects.create(
        group_id=group_id,
        mall_id=plan.mall_id,
        level=plan.level,
        unit=plan.unit,
        days=plan.days,
        support_ppm=plan.support_ppm,
        confidence_bp=plan.confidence_bp,
        count_min=plan.count_min,
        version=(same.aggregate(last=Max("version"))["last"] or 0) + 1,
        until=now,
        asked_by=actor.label,
    )


def search_baskets(*, actor: Viewer, run_id: int, now: dt.datetime) -> int:
    """Find the frequent sets and rules of a search that waits; how many rules. Done before: nothing to do."""
    run = BasketRun.objects.filter(pk=run_id, status=BasketRun.Status.WAITING).first()
    if run is None:
        return 0
    began = time.perf_counter()
    since = run.until - run.days * DAY
    # A first look leaves out only what can be in no rule whatever the number of baskets turns out to be.
    known = sales.baskets(run.level, run.unit, since, run.until, run.mall_id, run.count_min)  # type: ignore[arg-type]
    minimum = mining.minimum_count(known.count, run.support_ppm, run.count_min)
    found: list[mining.Rule] = []
    try:
        sets = mining.frequent_sets(known.of_item, minimum)
        found = mining.rules_of(sets, known.count, run.confidence_bp)
        run.sets = len(sets)
    except mining.TooMany:
        run.fault = "too-many"
    run.baskets, run.rules, run.ran_at = known.count, len(found), now
    run.took_ms = round((time.perf_counter() - began) * 1_000)
    return _keep(actor, run, found, now)


def _keep(actor: Viewer, run: BasketRun, found: list[mining.Rule], now: dt.datetime) -> int:
    shown = found[:RULES_KEPT]
    items = sorted({pk for rule in shown for pk in (*rule.antecedent, rule.consequent)})
    names = queries.names_of(run.level, items, run.group_id)
    run.items = {str(pk): list(named) for pk, named in names.items()}
    run.status = BasketRun.Status.FAILED if run.fault else BasketRun.Status.DONE
    with transaction.atomic():
        held = BasketRun.objects.select_for_update().get(pk=run.pk)
        if held.status != BasketRun.Status.WAITING:
            return held.rules
        run.save()
        BasketRule.objects.bulk_create(
            (
                BasketRule(
                    run=run,
                    antecedent=list(rule.antecedent),
                    consequent=rule.consequent,
                    both=rule.both,
                    before=rule.before,
                    after=rule.after,
                    confidence=rule.confidence,
                    lift=rule.lift,
                    leverage=rule.leverage,
                    q=q,
                    is_across=_is_across(rule, names),
                    text=_text(rule, names),
                )
                for rule, q in zip(shown, mining.accident(shown), strict=True)
            ),
            batch_size=1_000,
        )
        _forget_old(run)
        fact = BasketsSearched(run.pk, run.version, run.mall_id, run.baskets, run.rules, run.fault)
        events.publish(fact, actor=actor, now=now)
    return run.rules


def _is_across(rule: mining.Rule, names: Any) -> bool:
    there = names.get(rule.consequent, ("", None))[1]
    return there is not None and any(names.get(pk, ("", there))[1] != there for pk in rule.antecedent)


def _text(rule: mining.Rule, names: Any) -> str:
    def name(pk: int) -> str:
        return str(names.get(pk, (f"#{pk}", None))[0])

    return f"{' + '.join(map(name, rule.antecedent))} → {name(rule.consequent)}"[:1_000]


def _forget_old(run: BasketRun) -> None:
    """Rules of old versions go; what the searches were stays."""
    old = BasketRun.objects.filter(
        group=run.group_id,
        mall=run.mall_id,
        level=run.level,
        unit=run.unit,
        version__lte=run.version - VERSIONS_KEPT,
    )
    BasketRule.objects.filter(run__in=old).delete()


def renew_basket_searches(*, actor: Viewer, now: dt.datetime) -> int:
    """Search again as last time, where that was a week ago; how many. Each is a version of its own."""
    newest = BasketRun.objects.order_by("group", "mall", "level", "unit", "-version").distinct(
        "group", "mall", "level", "unit"
    )
    due = [run for run in newest if run.status != "waiting" and run.until <= now - RENEWED_AFTER]
    for run in due:
        plan = rules.BasketPlan(
            run.level, run.unit, run.days, run.support_ppm, run.confidence_bp, run.count_min, run.mall_id
        )
        order_basket_search(actor=actor, group_id=run.group_id, plan=plan, now=now)
    return len(due)


@transaction.atomic
def make_basket_offer(
    *, actor: Viewer, rule_id: int, now: dt.datetime, percent_bp: int = rules.OFFER_PERCENT_BP
) -> int:
    """A coupon template on what the rule says comes next, for who buys what comes before; the template's id.

    Nothing is given out: that takes a batch. Asked again, the same template. Raises BasketRunNotFound, TermsUnusable, NotAllowed.
    """
    seen, rule = queries.basket_rule(actor, rule_id)
    run = BasketRun.objects.select_for_update().get(pk=seen.id)
    row = BasketRule.objects.get(pk=rule_id)
    key = {
        "group_id": run.group_id,
        "mall_id": run.mall_id,
        "level": run.level,
        "unit": run.unit,
        "antecedent": row.antecedent,
        "consequent": row.consequent,
    }
    if known := BasketOffer.objects.filter(**key).first():
        return known.template_id
    before = _now(" and ").join(one.name for one in rule.antecedent)
    face = sales.product_faces([row.consequent]).get(row.consequent) if run.level == "product" else None
    scope = rules.offer_scope(
        run.level, row.consequent, face.merchant_id if face else None, face.sku if face else ""
    )
    template_id = offers.save_template(
        actor=actor,
        group_id=run.group_id,
        mall_id=run.mall_id,
        code=f"basket-{row.pk}",
        name=(_now("%(item)s for who buys %(before)s") % {"item": rule.consequent.name, "before": before})[
            :NAME_MAX
        ],
        terms={
            "kind": "percent",
            "percent_bp": percent_bp,
            "validity": {"days": rules.OFFER_DAYS},
            "scope": scope,
        },
        instructions=_now("Give it to members who have just bought %(before)s.") % {"before": before},
        now=now,
    )
    offer = BasketOffer.objects.create(
        **key,
        text=row.text,
        confidence=row.confidence,
        template_id=template_id,
        made_at=now,
        made_by=actor.label,
    )
    audit.record(
        actor=actor,
        action="basket.offer",
        subject=("basket_offer", offer.pk),
        after={"rule": row.text, "template": template_id},
        now=now,
    )
    events.publish(BasketOfferMade(offer.pk, template_id, run.pk), actor=actor, now=now)
    return template_id
