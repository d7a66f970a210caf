"""The terms of the tiers as one document: what reaches and keeps each, what it gives, and how tiers are held.

Two documents are compared term by term. What is worse for anybody needs a notice: a higher threshold, more to keep a tier,
a narrower window, a shorter period, fewer days of grace, a deeper fall. Words cannot be compared, so a changed text counts
as worse unless whoever publishes it says that it only adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from zhike.loyalty.rules.standing import GRACE_DAYS_MAX, VISITS_MAX

TEXT_MAX, BENEFITS_MAX = 5_000, 2_000
THRESHOLD_MAX = 10**12
WINDOWS = ("calendar_year", "rolling_12_months", "lifetime")
PERIODS = ("at_once", "quarter", "year", "anniversary")
FALLS = ("to_spend", "one_step")
"""Each from what is worst for members to what is best."""


class TierTerm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step: the spend that reaches it, what keeps it (``keep_fen`` None: as much), what it gives, in words."""

    tier: int
    threshold_fen: int
    keep_fen: int | None = None
    keep_visits: int | None = None
    benefits: str = ""

    @property
    def to_keep_fen(self) -> int:
        return self.threshold_fen if self.keep_fen is None else self.keep_fen


class TierPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a version. ``tiers`` from the lowest up; ``text`` says what no figure does: scope, exceptions, how to."""

    tiers: tuple[TierTerm, ...]
    window: str
    period: str
    grace_days: int
    fall: str
    reverses_on_refund: bool
    text: str = ""


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
    yield "$.grace_days", not 0 <= policy.grace_days <= GRACE_DAYS_MAX
    yield "$.text", len(policy.text) > TEXT_MAX or "\0" in policy.text
    below = -1
    for at, one in enumerate(policy.tiers):
        path = f"$.tiers[{at}]"
        wrong = not below < one.threshold_fen <= THRESHOLD_MAX or (at == 0 and one.threshold_fen != 0)
        yield f"{path}.threshold_fen", wrong
        yield f"{path}.keep_fen", one.keep_fen is not None and not 0 <= one.keep_fen <= one.threshold_fen
        yield f"{path}.keep_visits", one.keep_visits is not None and not 1 <= one.keep_visits <= VISITS_MAX
        yield f"{path}.benefits", len(one.benefits) > BENEFITS_MAX or "\0" in one.benefits
        below = one.threshold_fen


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
            found += _of_tier(old, new)
    return found + _of_all(before, after)


def _of_tier(old: TierTerm, new: TierTerm) -> list[Change]:
    never = VISITS_MAX + 1
    measured = [
        ("threshold_fen", old.threshold_fen, new.threshold_fen),
        ("keep_visits", old.keep_visits or never, new.keep_visits or never),
    ]
    if (old.keep_fen, new.keep_fen) != (None, None):
        measured.insert(1, ("keep_fen", old.to_keep_fen, new.to_keep_fen))
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
