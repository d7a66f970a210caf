"""How many points a receipt earns, and why.

For each rule in force: the eligible fen of each line (its share of what was not paid by an excluded tender, if its
category takes part) × base rate × the multipliers of tier, merchant, trade category, product category and calendar,
summed exactly over the lines as a fraction, rounded once by the programme's rule, then limited by the caps. Rules add
up. Everything that decided is kept in the explanation, from which ``rederive`` gets the same points.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from zhike.loyalty.rules.accounts import AccountState, LotParts
from zhike.loyalty.rules.calendar import FOR_EVER, Expiry
from zhike.loyalty.rules.definition import UNIT_BP, Definition, Rule
from zhike.loyalty.rules.funding import OWN, payers_at

Explanation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EarnLine:
    line_no: int
    net_fen: int
    category_id: int | None = None


@dataclass(frozen=True, slots=True)
class EarnReceipt:
    """What the rules need to know of a sale; ``local`` is its time in the mall's zone, ``day`` its business date."""

    mall_id: int
    merchant_id: int
    trade_category_id: int | None
    occurred_at: datetime
    local: datetime
    day: date
    lines: tuple[EarnLine, ...]
    tenders: tuple[tuple[str, int], ...]

    @property
    def net_fen(self) -> int:
        return sum(line.net_fen for line in self.lines)

    @property
    def qualifying_fen(self) -> int:
        """Spend that counts toward the tier: everything but what points paid."""
        return self.net_fen - sum(fen for kind, fen in self.tenders if kind == "points")


@dataclass(frozen=True, slots=True)
class Decision:
    """Points of one receipt, the explanation, and the cap counters it moves: (rule, cap, period) → points."""

    points: int
    explanation: Explanation
    caps: tuple[tuple[int, str, date, int], ...] = ()
    rule_version_id: int | None = None


def round_points(numerator: int, denominator: int, rounding: str) -> int:
    """A non-negative fraction of points as whole points; ``rounding`` is down, half_up or up."""
    if rounding == "up":
        return -(-numerator // denominator)
    if rounding == "half_up":
        return (2 * numerator + denominator) // (2 * denominator)
    return numerator // denominator


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """Split ``total`` in proportion to ``weights`` by largest remainder; ties go to the earlier one."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    rest = total - sum(shares)
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in order[:rest]:
        shares[index] += 1
    return shares


def decide(state: AccountState, receipt: EarnReceipt, rules: Iterable[Rule], rounding: str) -> Decision:
    """The points ``receipt`` earns for the member in ``state``; reads the caps used so far, changes nothing."""
    parts: list[dict[str, Any]] = []
    moved: list[tuple[int, str, date, int]] = []
    first_version: int | None = None
    for rule in rules:
        if not rule.in_force(receipt.occurred_at) or not _covers_mall(rule.definition, receipt):
            continue
        part = _apply(rule, state, receipt, rounding)
        parts.append(part)
        if points := part["points"]:
            first_version = first_version or rule.version_id
            moved.extend(
                (rule.rule_id, cap, period, points) for cap, period, _ in _caps(rule.definition, receipt)
            )
    points = sum(part["points"] for part in parts)
    explanation: Explanation = {
        "tier": state.tier_id,
        "net_fen": receipt.net_fen,
        "rounding": rounding,
        "rules": parts,
        "points": points,
    }
    if state.earned_id:
        explanation["earned_tier"] = state.earned_id
    if not points:
        explanation["refusal"] = _refusal(parts)
    return Decision(points, explanation, tuple(moved), first_version)


_CANONICAL = msgspec.json.Encoder(order="sorted")


def mark_of(explanation: Explanation) -> str:
    """Sixteen hex digits that the transfer carries, so that the award's reasons are under its seal too."""
    return hashlib.sha256(_CANONICAL.encode(explanation)).hexdigest()[:16]


def rederive(explanation: Mapping[str, Any], rounding: str) -> int:
    """The points that follow from an explanation alone (N4: every entry can be checked against its own reasons)."""
    total = 0
    for part in explanation["rules"]:
        if part.get("refusal") in (
            "below_minimum",
            "tenders_excluded",
            "merchant_excluded",
            "category_excluded",
        ):
            continue
        common = part["base"][0]
        for _, _, bp in part["factors"]:
            common *= bp
        numerator = sum(fen * bp for _, fen, bp, _ in part["lines"]) * common
        denominator = part["base"][1] * UNIT_BP ** (len(part["factors"]) + 1)
        points = round_points(numerator, denominator, rounding)
        for _, limit, used in part["caps"]:
            points = min(points, max(0, limit - used))
        total += points
    return total


def _covers_mall(definition: Definition, receipt: EarnReceipt) -> bool:
    return not definition.malls or receipt.mall_id in definition.malls


def _apply(rule: Rule, state: AccountState, receipt: EarnReceipt, rounding: str) -> dict[str, Any]:
    """One rule's part of the explanation: refused with a code, or base × factors × lines, rounded, capped."""
    definition = rule.definition
    part: dict[str, Any] = {"rule": rule.rule_id, "version": rule.version_id, "points": 0}
    if not definition.merchants.covers(receipt.merchant_id):
        return part | {"refusal": "merchant_excluded"}
    if not definition.trade_categories.covers(receipt.trade_category_id):
        return part | {"refusal": "category_excluded"}
    eligible = _eligible_lines(definition, receipt)
    eligible_fen = sum(fen for _, fen, _ in eligible)
    part["eligible_fen"] = eligible_fen
    if not eligible_fen and receipt.net_fen:
        return part | {
            "refusal": "tenders_excluded" if _excluded_fen(definition, receipt) else "category_excluded"
        }
    if definition.minimum_fen:
        part["minimum_fen"] = definition.minimum_fen
    if receipt.net_fen < definition.minimum_fen:
        return part | {"refusal": "below_minimum"}
    factors = _factors(definition, state, receipt)
    common = definition.base.points
    for _, _, bp in factors:
        common *= bp
    weights = [fen * bp for _, fen, bp in eligible]
    denominator = definition.base.per_fen * UNIT_BP ** (len(factors) + 1)
    exact = sum(weights) * common
    rounded = round_points(exact, denominator, rounding)
    caps = [
        (cap, limit, state.caps.get((rule.rule_id, cap, period), 0))
        for cap, period, limit in _limits(rule, receipt)
    ]
    points = min([rounded, *(max(0, limit - used) for _, limit, used in caps)])
    lines = [
        [line_no, fen, bp, share]
        for (line_no, fen, bp), share in zip(eligible, share_out(points, weights), strict=True)
    ]
    base = [definition.base.points, definition.base.per_fen]
    part |= {
        "base": base,
        "factors": factors,
        "lines": lines,
        "rounded": rounded,
        "caps": caps,
        "points": points,
    }
    if not points:
        part["refusal"] = "cap_reached" if rounded else "rounds_to_zero"
    elif definition.expiry is not None:
        part["expires_on"] = definition.expiry.last_day(receipt.day).isoformat()
    if points and definition.funding:
        payers = payers_at(definition.funding, receipt.merchant_id)
        shares = share_out(points, list(payers.values()))
        part["funding"] = [[payer, share] for payer, share in zip(payers, shares, strict=True) if share]
    return part


def lots_of(
    explanation: Mapping[str, Any],
    expiry: Expiry,
    day: date,
    funding_id: int,
    available_on: date,
    payers: Mapping[str, int],
) -> LotParts:
    """The lots an award makes: each rule's points lapse by its own policy, or by the programme's ``expiry``.

    None lapses before the day it can first be spent, ``available_on``. ``payers`` tells the funding of each payer that
    the explanation names; the mall's own, and that of a rule that names nobody, is ``funding_id``.
    """
    parts: dict[tuple[date, int], int] = {}
    for part in explanation["rules"]:
        if part["points"]:
            own = part.get("expires_on")
            last = date.fromisoformat(own) if own else expiry.last_day(day)
            last = max(last, available_on)
            for payer, points in part.get("funding") or ((OWN, part["points"]),):
                key = (last, funding_id if payer == OWN else payers[payer])
                parts[key] = parts.get(key, 0) + points
    return tuple((last, payer_id, points) for (last, payer_id), points in sorted(parts.items()))


def payers_named(explanation: Mapping[str, Any]) -> list[str]:
    """The payers other than the mall that the rules of an award name."""
    return [
        payer
        for part in explanation["rules"]
        if "funding" in part
        for payer, _ in part["funding"]
        if payer != OWN
    ]


def payers_of(explanation: Mapping[str, Any]) -> dict[str, int]:
    """Who pays for how many points of an award, by code; empty when no rule of it names payers."""
    found: dict[str, int] = {}
    if any("funding" in part for part in explanation["rules"]):
        for part in explanation["rules"]:
            for payer, points in part.get("funding") or ((OWN, part["points"]),):
                found[payer] = found.get(payer, 0) + points
    return {payer: points for payer, points in sorted(found.items()) if points}


def _excluded_fen(definition: Definition, receipt: EarnReceipt) -> int:
    """Fen paid by tenders that earn nothing: the rule's own, and always points themselves."""
    return sum(
        fen for kind, fen in receipt.tenders if kind == "points" or kind in definition.excluded_tenders
    )


def _eligible_lines(definition: Definition, receipt: EarnReceipt) -> list[tuple[int, int, int]]:
    """(line_no, eligible fen, category multiplier) of the lines that take part; excluded tenders shrink all alike."""
    nets = [line.net_fen for line in receipt.lines]
    if excluded := _excluded_fen(definition, receipt):
        nets = share_out(max(0, sum(nets) - excluded), nets)
    choice = definition.product_categories
    return [
        (line.line_no, net, choice.bp.get(line.category_id or 0, UNIT_BP))
        for line, net in zip(receipt.lines, nets, strict=True)
        if net and choice.covers(line.category_id)
    ]


def _factors(definition: Definition, state: AccountState, receipt: EarnReceipt) -> list[tuple[str, Any, int]]:
    """The multipliers other than ×1 that apply to the whole receipt: (kind, which, basis points)."""
    factors: list[tuple[str, Any, int]] = [
        ("tier", state.tier_id, definition.tiers.bp.get(state.tier_id, UNIT_BP)),
        ("merchant", receipt.merchant_id, definition.merchants.bp.get(receipt.merchant_id, UNIT_BP)),
        (
            "trade_category",
            receipt.trade_category_id,
            definition.trade_categories.bp.get(receipt.trade_category_id or 0, UNIT_BP),
        ),
    ]
    factors += [
        ("calendar", boost.name, boost.bp) for boost in definition.calendar if boost.covers(receipt.local)
    ]
    return [factor for factor in factors if factor[2] != UNIT_BP]


def _caps(definition: Definition, receipt: EarnReceipt) -> list[tuple[str, date, int]]:
    """The caps with a counter: (name, period, limit)."""
    caps = definition.caps
    found = [
        ("member_day", receipt.day, caps.member_day),
        (f"member_merchant_day:{receipt.merchant_id}", receipt.day, caps.member_merchant_day),
        ("member_total", FOR_EVER, caps.member_total),
    ]
    return [(name, period, limit) for name, period, limit in found if limit is not None]


def _limits(rule: Rule, receipt: EarnReceipt) -> list[tuple[str, date, int]]:
    limits = _caps(rule.definition, receipt)
    if rule.definition.caps.receipt is not None:
        limits.insert(0, ("receipt", receipt.day, rule.definition.caps.receipt))
    return limits


def _refusal(parts: list[dict[str, Any]]) -> str:
    """Why there are no points at all: the reason of the rule that came closest."""
    order = (
        "cap_reached",
        "rounds_to_zero",
        "below_minimum",
        "tenders_excluded",
        "category_excluded",
        "merchant_excluded",
    )
    reasons = {part.get("refusal") for part in parts}
    return next((reason for reason in order if reason in reasons), "no_rule")
