"""What the operations of rewards share: who gives, and the refusals that more than one gives."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Conflict, Invalid, NotFound

GIVER = system_viewer("rewards")


class RewardNotFound(NotFound):
    code = "reward-not-found"
    title = _("There is no such reward.")


class OrderNotFound(NotFound):
    code = "exchange-order-not-found"
    title = _("There is no such exchange order.")


class SoldOut(Conflict):
    code = "reward-sold-out"
    title = _("Not enough of it is left.")


class ReasonMissing(Invalid):
    code = "reason-missing"
    title = _("Give a reason.")
