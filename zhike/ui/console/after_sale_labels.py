"""What the audit calls the steps of goods that come back."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

AFTER_SALE_ACTIONS = {
    "after_sale.agree": _("Member agreed to pay for the repair"),
    "after_sale.apply": _("Return, exchange or repair asked for"),
    "after_sale.approve": _("After-sales request approved"),
    "after_sale.decline": _("Member did not want to pay for the repair"),
    "after_sale.finish": _("Repair finished"),
    "after_sale.hand_back": _("Goods handed back"),
    "after_sale.pass": _("Goods checked"),
    "after_sale.receive": _("Goods taken in"),
    "after_sale.refuse": _("After-sales request refused"),
    "after_sale.reject": _("Goods not accepted"),
    "after_sale.send": _("Repair planned"),
    "after_sale.settle": _("Return or exchange finished"),
    "after_sale.withdraw": _("After-sales request withdrawn"),
    "quality.appeal": _("Appeal against a review"),
    "quality.assign": _("Review given to somebody else"),
    "quality.checklist": _("Checklist published"),
    "quality.coach": _("Coaching note written"),
    "quality.coach_read": _("Coaching note read"),
    "quality.decide": _("Appeal decided"),
    "quality.draw": _("Conversations drawn for review"),
    "quality.export": _("Reviews exported"),
    "quality.plan": _("Sampling plan published"),
    "quality.review": _("Conversation reviewed"),
    "sensitive_words.drop": _("Watched word dropped"),
    "sensitive_words.save": _("Watched words saved"),
    "word_alert.judge": _("Alert about words judged"),
    "after_sales.publish": _("After-sales terms published"),
}
