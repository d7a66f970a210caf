"""How many people an experiment takes."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Invalid
from zhike.marketing.rules import sizing


class NoSuchExperiment(Invalid):
    code = "no-such-experiment"
    title = _("Both shares lie between 0 and 100 %, and they differ.")


@dataclass(frozen=True, slots=True)
class SampleSize:
    """People in the arms and in the holdout to see the lift four times out of five, with 5 % false alarms."""

    treated: int
    holdout: int


def sample_size(base: float, lift: float, holdout_share: float) -> SampleSize:
    """For a share ``base`` that becomes ``base + lift``. Raises NoSuchExperiment."""
    try:
        found = sizing.for_rates(base, lift, holdout_share)
    except ValueError:
        raise NoSuchExperiment from None
    return SampleSize(found.treated, found.control)
