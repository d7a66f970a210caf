"""What the operations of rewards share: the refusals that more than one of them gives."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Conflict, Invalid, NotFound


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
