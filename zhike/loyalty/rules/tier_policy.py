"""The terms of the tiers as one document: what reaches and keeps each, what it gives, and how tiers are held.

Two documents are compared term by term. What is worse for anybody needs a notice: a higher threshold, more to keep a tier,
a narrower window, a shorter period, fewer days of grace, a deeper fall, less growth value for the same. So is a ladder that
counts something else, for nobody can say who loses by it. Words cannot be compared, so a changed text counts
as worse unless whoever publishes it says that it only adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from zhike.loyalty.rules.growth import GrowthRules, is_less
from zhike.loyalty.rules.growth import faults as growth_faults
from zhike.loyalty.rules.standing import GRACE_DAYS_MAX, VISITS_MAX
from zhike.loyalty.rules.tiers import BASES

TEXT_MAX, BENEFITS_MAX = 5_000, 2_000
THRESHOLD_MAX = 10**12
WINDOWS = ("calendar_year", "rolling_12_months", "lifetime")
PERIODS = ("at_once", "quarter", "year", "anniversary")
FALLS = ("to_spend", "one_step")
"""Each from what is worst for members to what is best."""


class TierTerm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step: what reaches it, what keeps it (None: as much), what it gives, in words.

    A ladder on spend goes by ``threshold_fen`` and ``keep_fen``, one on visits or growth value by ``threshold_count`` and
    ``keep_count``.
    """

    tier: int
    threshold_fen: int
    keep_fen: int | None = None
    keep_visits: int | None = None
    benefits: str = ""
    threshold_count: int = 0
    keep_count: int | None = None

    def threshold(self, basis: str) -> int:
        """What reaches it, in what the ladder counts."""
        return self.threshold_fen if basis == "spend" else self.threshold_count

    def own_keep(self, basis: str) -> int | None:
        """What keeps it where that was said, in what the ladder counts."""
        return self.keep_fen if basis == "spend" else self.keep_count

    def to_keep(self, basis: str) -> int:
        """What keeps it, in what the ladder counts."""
        own = self.own_keep(basis)
        return self.threshold(basis) if own is None else own


class TierPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a version. ``tiers`` from the lowest up; ``text`` says what no figure does: scope, exceptions, how to."""

    tiers: tuple[TierTerm, ...]
    window: str
    period: str
    grace_days: int
    fall: str
    reverses_on_refund: bool
    text: str = ""
    basis: str = "spend"
    growth: GrowthRules | None = None


class TierPolicyError(ValueError):
    """The document cannot be used; ``path`` is the JSON path, ``reason`` a stable word."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


def parse_policy(data: Mapping[str, Any], ladder: Sequence[int]) -> TierPolicy:
    """Parse and check a document against the ladder (tier ids from the lowest up). Raises TierPolicyError."""
    try:
        policy = msgspec.convert(data, TierPolicy, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise TierPolicyError(path.strip("`") or "$", reason) from None
    for path, wrong in _faults(policy, ladder):
        if wrong:
            raise TierPolicyError(path, "out_of_range")
    return policy


def _faults(policy: TierPolicy, ladder: Sequence[int]) -> Iterator[tuple[str, bool]]:
    yield "$.tiers", [one.tier for one in policy.tiers] != list(ladder)
    yield "$.window", policy.window not in WINDOWS
    yield "$.period", policy.period not in PERIODS
    yield "$.fall", policy.fall not in FALLS
    yield "$.basis", policy.basis not in BASES
    yield "$.growth", policy.basis == "growth" and policy.growth is None
    if policy.growth is not None:
        yield from growth_faults(policy.growth)
    yield "$.grace_days", not 0 <= policy.grace_days <= GRACE_DAYS_MAX
    yield "$.text", len(policy.text) > TEXT_MAX or "\0" in policy.text
    below = -1
    for at, one in enumerate(policy.tiers):
        path = f"$.tiers[{at}]"
        goal, unit = one.threshold(policy.basis), "fen" if policy.basis == "spend" else "count"
        most = VISITS_MAX * 20 if policy.basis == "visits" else THRESHOLD_MAX
        yield f"{path}.threshold_{unit}", not below < goal <= most or (at == 0 and goal != 0)
        for name, own, reach in (
            ("fen", one.keep_fen, one.threshold_fen),
            ("count", one.keep_count, one.threshold_count),
        ):
            yield f"{path}.threshold_{name}", not 0 <= reach <= THRESHOLD_MAX
            yield f"{path}.keep_{name}", own is not None and not 0 <= own <= reach
        yield f"{path}.keep_visits", one.keep_visits is not None and not 1 <= one.keep_visits <= VISITS_MAX
        yield f"{path}.benefits", len(one.benefits) > BENEFITS_MAX or "\0" in one.benefits
        below = goal


@dataclass(frozen=True, slots=True)
class Change:
    """One term that differs; ``kind`` better, worse, or text where only people can tell. ``tier`` 0: of all tiers."""

    what: str
    tier: int
    before: Any
    after: Any
    kind: str

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what, "tier": self.tier, "before": self.before, "after": self.after, "kind": self.kind,
        }  # fmt: skip


def changes(before: TierPolicy, after: TierPolicy) -> list[Change]:
    """What differs, tier by tier; tiers that only one of them knows are left out."""
    known = {one.tier: one for one in before.tiers}
    found: list[Change] = []
    for new in after.tiers:
        old = known.get(new.tier)
        if old is not None:
            found += _of_tier(old, new, after.basis if before.basis == after.basis else "")
    return found + _of_all(before, after)


def _of_tier(old: TierTerm, new: TierTerm, basis: str) -> list[Change]:
    """``basis``: what both count; empty where they count different things, which cannot be compared."""
    never = VISITS_MAX + 1
    measured = [("keep_visits", old.keep_visits or never, new.keep_visits or never)]
    if basis:
        unit = "fen" if basis == "spend" else "count"
        measured.insert(0, (f"threshold_{unit}", old.threshold(basis), new.threshold(basis)))
        if (old.own_keep(basis), new.own_keep(basis)) != (None, None):
            measured.insert(1, (f"keep_{unit}", old.to_keep(basis), new.to_keep(basis)))
    found = [
        Change(
            what,
            new.tier,
            None if was == never else was,
            None if now == never else now,
            "worse" if now > was else "better",
        )
        for what, was, now in measured
        if was != now
    ]
    if old.benefits.split() != new.benefits.split():
        found.append(Change("benefits", new.tier, old.benefits, new.benefits, "text"))
    return found


def _of_all(before: TierPolicy, after: TierPolicy) -> list[Change]:
    found = []
    if before.basis != after.basis:
        found.append(Change("basis", 0, before.basis, after.basis, "worse"))
    if before.growth != after.growth:
        kind = "worse" if is_less(before.growth, after.growth) else "better"
        was, now = msgspec.to_builtins(before.growth), msgspec.to_builtins(after.growth)
        found.append(Change("growth", 0, was, now, kind))
    for what, order in (("window", WINDOWS), ("period", PERIODS), ("fall", FALLS)):
        was, now = getattr(before, what), getattr(after, what)
        if was != now:
            kind = "worse" if order.index(now) < order.index(was) else "better"
            found.append(Change(what, 0, was, now, kind))
    if before.grace_days != after.grace_days:
        kind = "worse" if after.grace_days < before.grace_days else "better"
        found.append(Change("grace_days", 0, before.grace_days, after.grace_days, kind))
    if before.reverses_on_refund != after.reverses_on_refund:
        kind = "worse" if after.reverses_on_refund else "better"
        found.append(
            Change("reverses_on_refund", 0, before.reverses_on_refund, after.reverses_on_refund, kind)
        )
    if before.text.split() != after.text.split():
        found.append(Change("text", 0, before.text, after.text, "text"))
    return found


def is_worse(found: Sequence[Change], *, texts_only_add: bool) -> bool:
    """Whether members have to be told beforehand."""
    return any(one.kind == "worse" or (one.kind == "text" and not texts_only_add) for one in found)


def plain_policy(policy: TierPolicy) -> dict[str, Any]:
    """The JSON of a document, as it is stored."""
    found: dict[str, Any] = msgspec.to_builtins(policy)
    return found
