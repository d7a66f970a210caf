"""From what an operation gives back to what the caller gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zhike.loyalty import queries as loyalty
from zhike.loyalty.operations import ReceiptOutcome
from zhike.ui.api.shapes import CapOut, ExplanationOut, FactorOut, LineShareOut, ReceiptOut, RulePartOut
from zhike.ui.components.links import receipt_link

NO_MEMBER = "no_member"


def receipt_out(outcome: ReceiptOutcome) -> ReceiptOut:
    """Of a sale: nothing else is taken over the API."""
    is_free = outcome.member_id is None and outcome.explanation.get("refusal") == NO_MEMBER
    return ReceiptOut(
        receipt_id=outcome.receipt_id,
        status="duplicate" if outcome.status == "duplicate" else "accepted",
        member_id=outcome.member_id,
        points=outcome.points,
        balance=outcome.balance,
        tier=loyalty.tier_code(outcome.tier_id) if outcome.tier_id else None,
        upgraded=outcome.upgraded,
        explanation=explanation_out(outcome.explanation),
        available_on=outcome.available_on,
        claim_url=receipt_link(outcome.receipt_id) if is_free else None,
    )


def explanation_out(explanation: Mapping[str, Any]) -> ExplanationOut:
    explained = loyalty.explain(explanation, with_steps=False)
    return ExplanationOut(
        points=explained.points,
        sentence=explained.sentence,
        refusal=explained.refusal,
        rules=[_rule_part(part) for part in explanation.get("rules", ())],
    )


def _rule_part(part: Mapping[str, Any]) -> RulePartOut:
    base = part.get("base") or (0, 0)
    return RulePartOut(
        rule_version_id=part["version"],
        points=part["points"],
        refusal=part.get("refusal"),
        eligible_fen=part.get("eligible_fen", 0),
        base_points=base[0],
        base_per_fen=base[1],
        factors=[FactorOut(*factor) for factor in part.get("factors", ())],
        lines=[LineShareOut(*line) for line in part.get("lines", ())],
        caps=[CapOut(*cap) for cap in part.get("caps", ())],
    )
