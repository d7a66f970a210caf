"""Why a row was set aside, in a sentence that says what to do."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.intake.rules import reasons

REASONS: dict[str, str | Promise] = {
    reasons.COLUMN_COUNT: _("The row has more or fewer cells than the headings."),
    reasons.UNCLOSED_QUOTE: _("A quotation mark opens and never closes."),
    reasons.BAD_CHARACTER: _("The row holds a character that no text has."),
    reasons.MISSING_NUMBER: _("The receipt number is missing."),
    reasons.MISSING_MERCHANT: _("The merchant is missing."),
    reasons.UNKNOWN_MERCHANT: _("There is no merchant with this code in the mall."),
    reasons.MISSING_DATE: _("The date is missing."),
    reasons.BAD_DATE: _("The date cannot be read in the format of the mapping."),
    reasons.FUTURE_DATE: _("The time lies in the future; check the clock of the till."),
    reasons.ANCIENT_DATE: _("The date lies before the year 2000."),
    reasons.DATES_APART: _("Business date and time are more than a day apart."),
    reasons.BAD_QUANTITY: _("The quantity is no number with at most three decimals, or far too large."),
    reasons.ZERO_QUANTITY: _("The quantity is zero."),
    reasons.NEGATIVE_QUANTITY: _("The quantity is negative, but nothing says that this is a return."),
    reasons.MISSING_AMOUNT: _("Neither a price nor an amount is given."),
    reasons.BAD_AMOUNT: _("The amount is no number with at most two decimals."),
    reasons.NEGATIVE_AMOUNT: _("The amount is negative."),
    reasons.ABSURD_AMOUNT: _("The amount is too large to be true."),
    reasons.AMOUNT_MISMATCH: _("Quantity × price − discount is not the amount."),
    reasons.ZERO_PRICE: _("The line costs nothing, and the mapping says to set such lines aside."),
    reasons.NOT_A_PRODUCT: _("This article is bookkeeping and no sale, says the mapping."),
    reasons.UNKNOWN_TENDER: _("This way to pay is not known; add it to the mapping."),
    reasons.BAD_PHONE: _("The member's phone number is not valid."),
    reasons.UNKNOWN_MEMBER: _("There is no member with this phone or card."),
    reasons.TEXT_TOO_LONG: _("A number, code or card is too long."),
    reasons.MIXED_RECEIPT: _("Rows of one receipt name different members."),
    reasons.TOO_MANY_LINES: _("The receipt has more than 2,000 lines."),
    reasons.INCOMPLETE_RECEIPT: _(
        "Another row of this receipt cannot be used, so the receipt is waiting for it."
    ),
    reasons.RECEIPT_DIFFERS: _("A receipt with this number was recorded before, with another amount."),
    reasons.UNMATCHED_RETURN: _("The sale that this return belongs to was not found."),
    reasons.RETURN_EXCEEDS: _("More would be returned than was bought."),
    reasons.ALREADY_RECORDED: _("The receipt was recorded before without this row."),
    reasons.BAD_KIND: _("The type is neither a sale (SA) nor a return (SR)."),
    reasons.UNKNOWN_CODE: _("This code of payment is not known; add it to the settings of the connector."),
    reasons.WRONG_MALL: _("The upload names another mall."),
    reasons.UNKNOWN_TILL: _("This till is not registered for the merchant."),
    reasons.MISSING_ITEM: _("The article number is missing."),
    reasons.CANCELLED: _("The till says that this order was cancelled."),
    reasons.TENDERS_DIFFER: _("The payments do not add up to the total."),
    reasons.ALREADY_RETURNED: _("The sale was returned before."),
    reasons.RETURN_NEEDS_POINTS: _("The member has spent the points of this purchase."),
    reasons.LOG_IN: _("The user name or the password is not right."),
    reasons.TOO_MANY_UPLOADS: _("Too many uploads. Try again in a minute."),
    reasons.MESSAGE_TYPE: _("The message type is not SALESDATA."),
    reasons.UPLOADED_BEFORE: _("A receipt with this number was uploaded before."),
    reasons.NOT_RECORDABLE: _("The receipt cannot be recorded as it is."),
}


def reason_sentence(code: str) -> str:
    """The sentence in the active language; the code itself for one we have no words for."""
    return str(REASONS.get(code, code))
