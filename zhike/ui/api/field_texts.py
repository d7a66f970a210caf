"""What the documents of the API say of answers and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ANSWERS: dict[int, StrOrPromise] = {
    200: _("Done; for a duplicate, the first answer."),
    201: _("Done."),
    400: _("The body is not well-formed: not JSON, not UTF-8, or broken off."),
    401: _("No key, or not a valid one."),
    403: _("The key lacks the scope, or the object lies outside its place."),
    404: _("There is no such thing, or the key may not see it."),
    409: _("It does not fit the state of things; nothing was changed."),
    413: _("The body is too large."),
    415: _("The body is not JSON, or compressed with something else than gzip."),
    422: _("Well-formed but not valid; errors names the fields."),
    429: _("Too many calls this minute; Retry-After says when to come back."),
    503: _("Not available at the moment; nothing was changed."),
}

FIELDS: dict[str, StrOrPromise] = {
    "ReceiptIn.merchant_id": _("Either this, or merchant_code."),
    "ReceiptIn.merchant_code": _("With mall_code where two malls use the same code."),
    "ReceiptIn.business_date": _("By default the day of occurred_at where the mall is."),
    "ReceiptIn.occurred_at": _("When the sale happened, by the till's clock."),
    "ReceiptIn.number": _("The till's number of the receipt, unique on its day."),
    "ReceiptIn.tenders": _("Together they pay the sum of the lines."),
    "ReceiptIn.member": _("Whose points these are; exactly one of its fields."),
    "LineIn.net_fen": _("What was paid for the whole line, after discounts."),
    "LineIn.line_no": _("As on the receipt; by default 1, 2, 3 …"),
    "LineIn.category_code": _("A product category, where earning rules tell goods apart."),
    "LineIn.quantity": _("A number or decimal text, at most three decimals."),
    "MemberRef.phone": _("With its country code, or a number of mainland China."),
    "MemberRef.code": _("What the rotating QR of the member's card says; good once."),
    "RedemptionIn.reference": _("The till's own number for it."),
    "HoldIn.minutes": _("How long, at most seven days; by default as the programme says."),
    "HoldIn.reference": _("The till's own number for it."),
    "ConfirmIn.points": _("By default all that are held."),
    "MemberOut.balance": _("What can be spent now."),
    "MemberOut.pending": _("Earned, but waiting for the return window to close."),
    "MemberOut.held": _("Set aside for purchases being paid."),
    "ReceiptOut.available_on": _(
        "The day from which these points can be spent; null when they can be already."
    ),
    "ReceiptOut.status": _("duplicate: it was known already and nothing was changed."),
    "ReceiptOut.tier": _("The member's tier after it."),
    "ReceiptOut.upgraded": _("Whether this receipt lifted the member to a higher tier."),
    "ExplanationOut.sentence": _("Why, in the reader's language."),
    "ExplanationOut.refusal": _("Why there are no points, as a stable code."),
    "FactorOut.basis_points": _("10,000 is ×1."),
    "BatchItemOut.status": _("The status the receipt would have had alone."),
    "MemberIn.policy_version": _("Needed with consents: which text was shown."),
    "MemberIn.evidence": _("What proves the consents, such as the id of a signed form."),
    "EnrolledOut.existing": _("They were a member already; nothing was changed."),
    "MemberOut.name": _("Masked for a key that may look members up but not see them."),
    "MemberOut.phone": _("Masked, always."),
    "LotOut.expires_on": _("The last day they can be spent; null for never."),
    "ReturnLineIn.quantity": _("By default all that is left of the line."),
    "ReturnLineIn.refund_fen": _("By default its share of what was paid."),
    "ReturnIn.number": _("The return's own number; the same again changes nothing."),
    "TenderIn.reference": _("For points, the id of the redemption or hold: a return gives its points back."),
    "ReturnOut.points_fen": _("Of the refund, what points had paid; it is not paid in money."),
    "ReturnOut.restored_points": _("Points that paid for the goods and are back in their lots."),
    "ReturnOut.money_fen": _("What the customer gets: the refund less points_fen and deduct_cash_fen."),
    "ReturnOut.deduct_cash_fen": _("Keep this much of the refund, for points already spent."),
    "ReversalIn.points": _("By default all that can still be given back."),
    "EventsOut.next_cursor": _("Ask with it next time, also when there are no more now."),
    "ProblemOut.code": _("Stable; decide by this."),
    "ProblemOut.errors": _("Sentences by field."),
}
