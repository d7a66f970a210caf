"""Rewards in words."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.engagement.rules.terms import Reward
from zhike.offers import queries as offers


def reward_text(reward: Reward, names: Mapping[int, str] | None = None) -> str:
    """“20 points and Afternoon tea”; ``names`` of batches when the caller has them."""
    parts = []
    if reward.points:
        count = f"{reward.points:,}"
        parts.append(ngettext("%(count)s point", "%(count)s points", reward.points) % {"count": count})
    if reward.batch_id is not None:
        name = (names or {}).get(reward.batch_id) or offers.batch_name(reward.batch_id)
        parts.append(_("the coupon “%(name)s”") % {"name": name})
    if len(parts) > 1:
        return _("%(first)s and %(second)s") % {"first": parts[0], "second": parts[1]}
    return "".join(parts)
