"""Steps of missions in words."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.engagement.queries import Step
from zhike.organization import queries as organization
from zhike.ui.components.formatting import yuan

NAMED = 3


def step_text(step: Step) -> str:
    """“3 purchases of ¥50 or more at 拾光咖啡, each at another merchant”."""
    text = _what(step)
    where = _where(step)
    if where:
        text = _("%(what)s at %(where)s") % {"what": text, "where": where}
    if step.distinct == "day":
        text = _("%(what)s, on different days") % {"what": text}
    elif step.distinct == "merchant":
        text = _("%(what)s, each at another merchant") % {"what": text}
    return text


def _what(step: Step) -> str:
    if step.kind == "spend":
        return _("Spend %(amount)s") % {"amount": yuan(step.goal)}
    if step.kind == "purchase" and step.minimum_fen > 1:
        text = ngettext(
            "%(count)s purchase of %(amount)s or more", "%(count)s purchases of %(amount)s or more", step.goal
        )
        return text % {"count": step.goal, "amount": yuan(step.minimum_fen)}
    texts = {
        "purchase": ngettext("%(count)s purchase", "%(count)s purchases", step.goal),
        "check_in": ngettext("%(count)s check-in", "%(count)s check-ins", step.goal),
        "referral": ngettext(
            "%(count)s friend invited who bought", "%(count)s friends invited who bought", step.goal
        ),
        "review": ngettext("%(count)s review", "%(count)s reviews", step.goal),
        "survey": ngettext("%(count)s survey answered", "%(count)s surveys answered", step.goal),
        "share": ngettext("%(count)s share", "%(count)s shares", step.goal),
        "activity": ngettext("%(count)s activity joined", "%(count)s activities joined", step.goal),
        "profile": _("A full profile"),
    }
    return texts[step.kind] % {"count": step.goal}


def _where(step: Step) -> str:
    names: list[str] = []
    for mall_id in step.malls:
        names.append(organization.mall(mall_id).name)
    for merchant_id in step.merchants:
        merchant = organization.merchant_ref(merchant_id)
        names.append(merchant.name if merchant else f"#{merchant_id}")
    if step.trade_categories:
        known = {one.id: one.name for one in organization.trade_categories(organization.default_group().id)}
        names += [known.get(one, f"#{one}") for one in step.trade_categories]
    return joined_names(names)


def joined_names(names: Sequence[str]) -> str:
    if len(names) <= NAMED:
        return _(", ").join(names)
    shown = _(", ").join(names[:NAMED])
    return _("%(names)s and %(count)s others") % {"names": shown, "count": len(names) - NAMED}
