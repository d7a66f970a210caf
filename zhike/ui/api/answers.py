"""From what an operation gives back to what the caller gets."""

from __future__ import annotations

from zhike.loyalty import queries as loyalty
from zhike.loyalty.operations import ReceiptOutcome
from zhike.ui.api.shapes import ExplanationOut, ReceiptOut, StepOut


def receipt_out(outcome: ReceiptOutcome) -> ReceiptOut:
    explained = loyalty.explain(outcome.explanation)
    return ReceiptOut(
        receipt_id=outcome.receipt_id,
        status="duplicate" if outcome.status == "duplicate" else "accepted",
        member_id=outcome.member_id,
        points=outcome.points,
        balance=outcome.balance,
        tier=loyalty.tier_code(outcome.tier_id) if outcome.tier_id else None,
        upgraded=outcome.upgraded,
        explanation=explanation_out(explained),
    )


def explanation_out(explained: loyalty.Explained) -> ExplanationOut:
    return ExplanationOut(
        points=explained.points,
        sentence=explained.sentence,
        refusal=explained.refusal,
        steps=[StepOut(step.label, step.value) for step in explained.steps],
    )
