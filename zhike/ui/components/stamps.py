"""How stamps are collected, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.engagement.queries import StampTerms
from zhike.organization import queries as organization
from zhike.ui.components.formatting import yuan
from zhike.ui.components.missions import joined_names


def ways(terms: StampTerms) -> list[str]:
    """“A stamp for each ¥50 of a receipt”, “at 拾光咖啡”, “at most 3 a day” …"""
    if terms.each_fen is not None:
        found = [_("a stamp for each %(amount)s of a receipt") % {"amount": yuan(terms.each_fen)}]
    elif terms.minimum_fen > 1:
        found = [_("a stamp for a receipt of %(amount)s or more") % {"amount": yuan(terms.minimum_fen)}]
    else:
        found = [_("a stamp for a receipt")]
    if terms.day_max is not None:
        text = ngettext("at most %(count)s stamp a day", "at most %(count)s stamps a day", terms.day_max)
        found.append(text % {"count": terms.day_max})
    places = [organization.merchant_ref(one) for one in terms.merchants]
    names = [one.name for one in places if one is not None]
    if terms.trade_categories:
        known = {one.id: one.name for one in organization.trade_categories(organization.default_group().id)}
        names += [known[one] for one in terms.trade_categories if one in known]
    if names:
        found.append(_("at %(where)s") % {"where": joined_names(names)})
    if terms.skus:
        found.append(_("for articles %(skus)s") % {"skus": joined_names(terms.skus)})
    if terms.days is not None:
        text = ngettext("full within %(count)s day", "full within %(count)s days", terms.days)
        found.append(text % {"count": terms.days})
    return found
