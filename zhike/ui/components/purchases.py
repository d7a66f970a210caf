"""What spent points bought, in words: where they cannot be given back by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from zhike.rewards import queries as rewards


def bought_in_words(redemptions: Iterable[Any]) -> dict[UUID, str]:
    """By redemption, of those (``RedemptionView`` or ``RedemptionRow``) whose points bought something."""
    bought = [one.redemption_id for one in redemptions if one.bought]
    known = rewards.purchases(bought) if bought else {}
    return {redemption_id: _words(known.get(redemption_id)) for redemption_id in bought}


def _words(one: rewards.Purchase | None) -> str:
    if one is None:
        return _("These points bought something. They come back when that is cancelled.")
    named = {"number": one.number, "name": one.name}
    if one.kind == "exchange":
        return _("Exchange %(number)s: %(name)s. The points come back when it is cancelled.") % named
    return _("Draw no. %(number)s of %(name)s. A draw is final.") % named
