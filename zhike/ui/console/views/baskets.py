"""What is bought together: searches, rules as a table, a flow and a net, and coupons made of rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.insight import operations, queries
from zhike.kernel.access import may_touch
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import insight_labels as labels
from zhike.ui.console.forms.baskets import BasketSearchForm
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import carry_out, done, fragment, malls_of, page, permissions, wants_fragment

VIEW, EDIT, OFFER = "segments.view", "segments.edit", "offers.edit"
SECTION = "baskets"
FLOWS, EDGES = 18, 45


def _places(request: StaffRequest) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("0", _("All malls"))] if may_touch(request.viewer, EDIT) else []
    return found + [(str(one.id), one.name) for one in organization.malls(request.viewer, EDIT)]


def _mall_names(request: StaffRequest) -> dict[int | None, str]:
    return {None: _("All malls")} | {one.id: one.name for one in malls_of(request).all}


@staff_page(VIEW)
def baskets(request: StaffRequest) -> HttpResponse:
    """Every search in scope, and what came of the coupons that were made of rules."""
    names = _mall_names(request)
    context = {
        "runs": [
            {"run": run, "place": names.get(run.mall_id, ""), **_words(run)}
            for run in queries.basket_runs(request.viewer)
        ],
        "offers": queries.basket_offers(request.viewer),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/baskets/list.html", context, section=SECTION)


@staff_page(EDIT)
def search_baskets(request: StaffRequest) -> HttpResponse:
    """Some seconds of work: a worker does it."""
    form = BasketSearchForm(request.POST or None, malls=_places(request))
    group_id = organization.default_group().id

    def order() -> None:
        operations.order_basket_search(
            actor=request.viewer, group_id=group_id, plan=form.plan, now=request.now
        )

    return carry_out(
        request,
        form,
        lambda: run_once(request, "baskets", form, order),
        success=_("The search has begun; look again in a minute."),
        url=reverse("console:baskets"),
        title=_("Search for what goes together"),
        label=_("Search"),
        action=reverse("console:search_baskets"),
    )


@staff_page(VIEW)
def basket_run(request: StaffRequest, run_id: int) -> HttpResponse:
    """One search: filters, the flow, the net, the table."""
    run = queries.basket_run(request.viewer, run_id)
    wanted = _wanted(request)
    rules = queries.basket_rules(request.viewer, run_id, wanted)
    context: dict[str, Any] = {
        "run": run,
        "place": _mall_names(request).get(run.mall_id, ""),
        **_words(run),
        "rules": rules,
        "wanted": wanted,
        "took": _("%(seconds)s s") % {"seconds": f"{run.took_ms / 1000:.1f}"},
        "orders": labels.BASKET_ORDERS.items(),
        "lifts": labels.BASKET_LIFTS.items(),
        "flow": _flow(rules),
        "net": _net(rules),
        "may": permissions(request, offer=OFFER),
    }
    if wants_fragment(request):
        return fragment(request, "console/baskets/_rules.html", context)
    return page(request, "console/baskets/run.html", context, section=SECTION)


@staff_page(VIEW)
def basket_rule(request: StaffRequest, rule_id: int) -> HttpResponse:
    """One rule in words and numbers, and the button that makes a coupon of it."""
    run, rule = queries.basket_rule(request.viewer, rule_id)
    context = {
        "run": run,
        "rule": rule,
        **_words(run),
        "expected": rule.before * rule.after / run.baskets,
        "may": {"offer": may_touch(request.viewer, OFFER, mall=run.mall_id)},
    }
    return page(request, "console/baskets/rule.html", context, section=SECTION)


@require_POST
@staff_page(OFFER)
def make_basket_offer(request: StaffRequest, rule_id: int) -> HttpResponse:
    template_id = operations.make_basket_offer(actor=request.viewer, rule_id=rule_id, now=request.now)
    return done(
        request,
        _("The coupon is drafted. Check its terms, then open a batch to give it out."),
        reverse("console:coupon_template", args=[template_id]),
    )


def _words(run: queries.BasketRunView) -> dict[str, Any]:
    return {
        "level": labels.BASKET_LEVELS.get(run.level, run.level),
        "unit": labels.BASKET_UNITS.get(run.unit, run.unit),
        "state": labels.BASKET_STATES.get(run.status, run.status),
    }


def _wanted(request: StaffRequest) -> queries.RuleFilter:
    lift = request.GET.get("lift", "0")
    order = request.GET.get("order", "leverage")
    return queries.RuleFilter(
        lift_min=int(lift) if lift in labels.BASKET_LIFTS else 0,
        q=request.GET.get("q", "")[:80],
        across=request.GET.get("across") == "1",
        order=order if order in labels.BASKET_ORDERS else "leverage",
    )


def _name(items: Sequence[queries.BasketItem]) -> str:
    return " + ".join(f"{one.name}（{one.place}）" if one.place else one.name for one in items)


def _flow(rules: Sequence[queries.BasketRuleView]) -> dict[str, Any] | None:
    """From what comes before on the left to what comes next on the right, as wide as baskets hold both."""
    if not rules:
        return None
    nodes: dict[str, dict[str, Any]] = {}
    links = []
    for rule in rules[:FLOWS]:
        source = "/".join(str(one.id) for one in rule.antecedent) + "→"
        target = f"→{rule.consequent.id}"
        nodes[source] = {"id": source, "name": _name(rule.antecedent)}
        nodes[target] = {"id": target, "name": _name((rule.consequent,))}
        url = reverse("console:basket_rule", args=[rule.id])
        links.append({"source": source, "target": target, "value": rule.both, "url": url})
    return {"kind": "sankey", "unit": "count", "nodes": list(nodes.values()), "links": links}


def _net(rules: Sequence[queries.BasketRuleView]) -> dict[str, Any] | None:
    """Items that occur together, as near as their lift is high; only rules between two."""
    pairs: dict[tuple[int, int], queries.BasketRuleView] = {}
    for rule in rules:
        if len(rule.antecedent) == 1:
            pairs.setdefault(tuple(sorted((rule.antecedent[0].id, rule.consequent.id))), rule)  # type: ignore[arg-type]
    chosen = list(pairs.values())[:EDGES]
    if not chosen:
        return None
    nodes: dict[int, dict[str, Any]] = {}
    for rule in chosen:
        for item, count in ((rule.antecedent[0], rule.before), (rule.consequent, rule.after)):
            nodes[item.id] = {"id": str(item.id), "name": _name((item,)), "value": count}
    links = [
        {
            "source": str(rule.antecedent[0].id),
            "target": str(rule.consequent.id),
            "value": round(rule.lift, 2),
            "url": reverse("console:basket_rule", args=[rule.id]),
        }
        for rule in chosen
    ]
    return {"kind": "network", "unit": "count", "nodes": list(nodes.values()), "links": links}
