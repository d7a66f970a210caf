"""Why an erasure has to wait, in words."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.rights.rules import Block

BLOCK_SENTENCES = {
    "debt": _("%(count)s points are owed: they are repaid or waived first."),
    "holds": _("Points are set aside for a purchase being paid; wait until it is over."),
    "orders": _("Orders not collected yet: %(which)s. Collect or cancel them."),
    "tickets": _("Open tickets: %(which)s. They are answered first."),
    "coupons": _("A coupon is being used at a till; wait until it is over."),
    "household": _("Shares points in the household “%(which)s”; leave it first."),
}


def block_sentence(block: Block) -> str:
    """One thing that must be settled first, for whoever asks."""
    which = gettext(", ").join(block.which)
    return str(BLOCK_SENTENCES[block.what]) % {"count": f"{block.count:,}", "which": which}
