"""Everything a rule may name, as the editor and the sentences about rules need it."""

from __future__ import annotations

from typing import cast

from django.utils.functional import SimpleLazyObject

from zhike.kernel.errors import NotFound
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.ui.components.staff import StaffRequest
from zhike.ui.console.forms.rules import Choices, RuleChoices
from zhike.ui.console.payers import rule_payers
from zhike.ui.console.programmes import first_programme

VIEW = "programme.view"


def choices(request: StaffRequest) -> RuleChoices:
    """Everything a rule may name."""
    programme = first_programme(request)
    if programme is None:
        raise NotFound
    viewer = request.viewer
    malls = organization.malls(viewer, VIEW)
    names = {mall.id: mall.name for mall in malls}
    several = len(malls) > 1
    merchants = organization.merchants(viewer, permission=VIEW)
    return RuleChoices(
        malls=[(mall.id, mall.name) for mall in malls],
        tiers=[(tier.id, tier.name) for tier in queries.tiers(programme.id)],
        merchants=[
            (ref.id, f"{ref.name} · {names.get(ref.mall_id, '')}" if several else ref.name)
            for ref in merchants
        ],
        trade_categories=[
            (place.id, place.name) for place in organization.trade_categories(programme.group_id)
        ],
        product_categories=[(place.id, place.name) for place in sales.product_categories(programme.group_id)],
        payers=cast("Choices", SimpleLazyObject(lambda: rule_payers(programme.group_id, merchants))),
    )
