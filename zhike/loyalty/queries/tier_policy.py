"""The terms of the tiers: today's, those to come and those of the past, what changed, and who was told."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.errors import NotFound
from zhike.loyalty.models import Account, Member, Program, Tier, TierNotice, TierPolicyVersion
from zhike.loyalty.queries.counting import counted_for
from zhike.loyalty.queries.members import COLUMNS, TierView, family_of, require_member, tiers
from zhike.loyalty.queries.snapshots import starts_at
from zhike.loyalty.queries.tier_words import amount_of, growth_words, yuan
from zhike.loyalty.rules.calendar import window_start
from zhike.loyalty.rules.growth import GrowthRules
from zhike.loyalty.rules.standing import Counted
from zhike.loyalty.rules.tier_policy import Change, TierPolicy, TierTerm, changes, is_worse, parse_policy
from zhike.loyalty.rules.tiers import TierStep, tier_for

NOTICES_SHOWN = 30


def policy_now(program_id: int) -> TierPolicy:
    """The terms in force, as they stand in the tiers and the programme."""
    program = Program.objects.get(id=program_id)
    current = _applied(program_id)
    return TierPolicy(
        tiers=tuple(
            TierTerm(
                tier.pk,
                tier.threshold_fen,
                tier.keep_fen,
                tier.keep_visits,
                tier.benefits,
                tier.threshold_count,
                tier.keep_count,
            )
            for tier in Tier.objects.filter(program_id=program_id).order_by("rank")
        ),
        window=program.tier_window,
        period=program.tier_period,
        grace_days=program.tier_grace_days,
        fall=program.tier_fall,
        reverses_on_refund=program.tier_reverses_on_refund,
        text=current.definition.get("text", "") if current else "",
        basis=program.tier_basis,
        growth=msgspec.convert(program.growth, GrowthRules) if program.growth else None,
    )


def goals_of(policy: TierPolicy) -> list[tuple[str, str]]:
    """What reaches and what keeps each tier, from the lowest up, in the reader's language; empty of the lowest."""
    basis = policy.basis
    return [
        (amount_of(one.threshold(basis), basis), amount_of(one.to_keep(basis), basis))
        if one.threshold(basis)
        else ("", "")
        for one in policy.tiers
    ]


def latest_policy(program_id: int) -> TierPolicy:
    """The terms that the next version follows: of the last one that waits, or today's."""
    waiting = pending(program_id)
    ladder = set(Tier.objects.filter(program_id=program_id).values_list("id", flat=True))
    if waiting and {one["tier"] for one in waiting[-1].definition["tiers"]} == ladder:
        return _parsed(waiting[-1])
    return policy_now(program_id)


def pending(program_id: int) -> list[TierPolicyVersion]:
    """The versions that wait to begin, in the order in which they were published."""
    rows = TierPolicyVersion.objects.filter(program_id=program_id, applied_at=None, withdrawn_at=None)
    return list(rows.order_by("version"))


def policy_at(program_id: int, at: dt.datetime) -> TierPolicy:
    """The terms that will be in force just before a moment, as far as is known: what waits for its notice is not."""
    coming = [
        (begins, row.version, row)
        for row in pending(program_id)
        if (begins := starts_at(row)) and begins < at
    ]
    if not coming:
        return policy_now(program_id)
    return _parsed(max(coming, key=lambda one: one[:2])[2])


def _applied(program_id: int) -> TierPolicyVersion | None:
    rows = TierPolicyVersion.objects.filter(program_id=program_id, applied_at__isnull=False)
    return rows.order_by("-applied_at", "-version").first()


def _parsed(row: TierPolicyVersion) -> TierPolicy:
    return parse_policy(row.definition, [one["tier"] for one in row.definition["tiers"]])


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One difference in words; ``kind`` better, worse or text."""

    what: str
    tier: TierView | None
    kind: str
    sentence: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class TierPolicyView:
    """A version. ``state`` is notice (waits for its notice), planned, in_force, past or withdrawn; ``ended_at`` of one that
    was followed by another; ``told`` members were told, ``told_at`` when the member who asks was."""

    version_id: int
    version: int
    policy: TierPolicy
    state: str
    effective_from: dt.datetime
    starts_at: dt.datetime | None
    ended_at: dt.datetime | None
    worsens: bool
    changes: tuple[ChangeView, ...]
    notice_days: int
    noticed_at: dt.datetime | None
    told: int
    published_at: dt.datetime
    published_by: str
    note: str
    told_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class TierNoticeView:
    """That a member was told: when, and which tier they had."""

    member_id: int
    name: str
    tier: str
    told_at: dt.datetime


def tier_policy_versions(viewer: Viewer, program_id: int) -> list[TierPolicyView]:
    """Every version, the newest first. Raises NotAllowed."""
    require(viewer, "programme.view")
    return _views(program_id)


def tier_policy_version(viewer: Viewer, version_id: int) -> TierPolicyView:
    """One version. Raises NotFound, NotAllowed."""
    require(viewer, "programme.view")
    row = TierPolicyVersion.objects.filter(id=version_id).first()
    if row is None:
        raise NotFound
    return next(one for one in _views(row.program_id) if one.version_id == version_id)


def member_tier_policies(viewer: Viewer, member_id: int) -> list[TierPolicyView]:
    """What a member may read: the versions in force, to come and past, and when they were told. Raises MemberNotFound."""
    require_member(viewer, member_id)
    family = family_of(member_id)
    program_id = Member.objects.values_list("program_id", flat=True).get(id=family[0])
    told = dict(TierNotice.objects.filter(member_id__in=family).values_list("version_id", "told_at"))
    return [one for one in _views(program_id, told) if one.state != "withdrawn"]


def tier_notices(viewer: Viewer, version_id: int) -> list[TierNoticeView]:
    """The evidence of a version: members in scope who were told, the latest first. Raises NotAllowed."""
    require(viewer, "programme.edit")
    columns = {name: f"member__{column}" for name, column in COLUMNS.items()}
    rows = visible(TierNotice.objects.filter(version_id=version_id), viewer, "programme.edit", columns)
    found = list(rows.select_related("member", "tier").order_by("-told_at", "-id")[:NOTICES_SHOWN])
    names = customers.summaries([row.member.person_id for row in found])
    return [
        TierNoticeView(row.member_id, names[row.member.person_id].name, row.tier.name, row.told_at)
        for row in found
    ]


EFFECT_MEMBERS = 5_000


@dataclass(frozen=True, slots=True)
class TierEffect:
    """How many members what they did in the window gives a tier: by today's terms, and by the draft."""

    tier: TierView
    today: int
    draft: int


@dataclass(frozen=True, slots=True)
class TierPolicyPreview:
    """What a draft changes, and the earliest moment it may begin.

    ``effect`` counts at most EFFECT_MEMBERS active members, those who joined last, as if the draft had held all the while
    (growth value of deeds left out).
    """

    changes: tuple[ChangeView, ...]
    worsens: bool
    earliest: dt.datetime
    members: int
    effect: tuple[TierEffect, ...] = ()


def preview_tier_policy(
    viewer: Viewer,
    program_id: int,
    definition: Mapping[str, Any],
    effective_from: dt.datetime,
    now: dt.datetime,
    *,
    texts_only_add: bool = False,
) -> TierPolicyPreview:
    """What a draft would change at its moment, and how many members would have to be told.

    Raises TierPolicyError, NotAllowed.
    """
    require(viewer, "programme.edit")
    policy = parse_policy(definition, [tier.id for tier in tiers(program_id)])
    found = changes(policy_at(program_id, effective_from), policy)
    worse = is_worse(found, texts_only_add=texts_only_add)
    days = Program.objects.values_list("rate_notice_days", flat=True).get(id=program_id)
    members = Member.objects.filter(program_id=program_id, status="active").count() if worse else 0
    earliest = now + dt.timedelta(days=days) if worse else now
    before = policy_at(program_id, effective_from)
    effect = _effect(program_id, before, policy, now.date()) if found else ()
    return TierPolicyPreview(tuple(_told(found, tiers(program_id))), worse, earliest, members, effect)


def _effect(program_id: int, before: TierPolicy, draft: TierPolicy, today: dt.date) -> tuple[TierEffect, ...]:
    rows = Account.objects.filter(program_id=program_id, member__status="active")
    accounts = list(rows.order_by("-id").values_list("id", flat=True)[:EFFECT_MEMBERS])
    found: list[Counter[int]] = []
    for policy in (before, draft):
        start = window_start(policy.window, today)
        counted = counted_for(accounts, [start] * len(accounts))
        steps = [
            TierStep(
                one.tier, rank, one.threshold_fen, threshold_count=one.threshold_count, basis=policy.basis
            )
            for rank, one in enumerate(policy.tiers)
        ]
        found.append(
            Counter(
                tier_for(_drafted(counted.get(account_id, Counted(0, 0)), policy), steps).tier_id
                for account_id in accounts
            )
        )
    known = {tier.id: tier for tier in tiers(program_id)}
    return tuple(
        TierEffect(known[one.tier], found[0][one.tier], found[1][one.tier])
        for one in draft.tiers
        if one.tier in known
    )


def _drafted(counted: Counted, policy: TierPolicy) -> int:
    """What the ladder would count, growth value as the draft gives it for purchases and visits."""
    rules = policy.growth
    if policy.basis != "growth" or rules is None:
        return counted.of(policy.basis)
    return rules.of_spend(counted.fen) + rules.visit * counted.visits


def _views(program_id: int, told_at: dict[int, dt.datetime] | None = None) -> list[TierPolicyView]:
    rows = list(TierPolicyVersion.objects.filter(program_id=program_id).order_by("version"))
    steps = tiers(program_id)
    counts = dict(
        TierNotice.objects.filter(version__program_id=program_id)
        .values_list("version_id")
        .annotate(n=Count("id"))
    )
    begun = sorted((row.applied_at, row.version, row.pk) for row in rows if row.applied_at)
    ends = {one[2]: following[0] for one, following in pairwise(begun)}
    current = begun[-1][2] if begun else None
    return [
        TierPolicyView(
            version_id=row.pk,
            version=row.version,
            policy=_parsed(row),
            state=_state(row, current),
            effective_from=row.effective_from,
            starts_at=row.applied_at or starts_at(row),
            ended_at=ends.get(row.pk),
            worsens=row.worsens,
            changes=tuple(_told([Change(**one) for one in row.changes], steps)),
            notice_days=row.notice_days,
            noticed_at=row.noticed_at,
            told=counts.get(row.pk, 0),
            published_at=row.published_at,
            published_by=row.published_by,
            note=row.note,
            told_at=(told_at or {}).get(row.pk),
        )
        for row in reversed(rows)
    ]


def _state(row: TierPolicyVersion, current: int | None) -> str:
    if row.withdrawn_at is not None:
        return "withdrawn"
    if row.applied_at is None:
        return "notice" if starts_at(row) is None else "planned"
    return "in_force" if row.pk == current else "past"


# --- in words


def _told(found: Sequence[Change], steps: Sequence[TierView]) -> list[ChangeView]:
    by_id = {step.id: step for step in steps}
    told = []
    for one in found:
        texts = (one.before, one.after) if one.kind == "text" else ("", "")
        told.append(ChangeView(one.what, by_id.get(one.tier), one.kind, _sentence(one), *texts))
    return told


def _sentence(one: Change) -> str:
    """What differs, without the name of the tier."""
    if one.what == "threshold_fen":
        return _("Reached with a spend of %(after)s instead of %(before)s.") % _yuan(one)
    if one.what == "keep_fen":
        return _("Kept with a spend of %(after)s instead of %(before)s.") % _yuan(one)
    if one.what == "keep_visits":
        return _visits(one)
    if one.what in ("threshold_count", "keep_count"):
        return _counts(one)
    if one.what == "growth":
        return growth_words(msgspec.convert(one.after, GrowthRules) if one.after else None)
    if one.what == "grace_days":
        words = {"before": one.before, "after": one.after}
        return _("Days to make up what is missing: %(after)s instead of %(before)s.") % words
    return _plain().get((one.what, one.after), _plain().get((one.what, ""), ""))


def _counts(one: Change) -> str:
    words = {"before": one.before, "after": one.after}
    if one.what == "threshold_count":
        return _("Reached with %(after)s instead of %(before)s.") % words
    return _("Kept with %(after)s instead of %(before)s.") % words


def _yuan(one: Change) -> dict[str, str]:
    return {"before": yuan(one.before), "after": yuan(one.after)}


def _visits(one: Change) -> str:
    if one.after is None:
        return _("Purchases on several days keep it no longer.")
    words = {"days": one.after, "before": one.before}
    if one.before is None:
        text = ngettext(
            "Purchases on %(days)s day keep it as well.",
            "Purchases on %(days)s days keep it as well.",
            one.after,
        )
    else:
        text = _("Purchases on %(days)s days keep it, instead of %(before)s.")
    return text % words


def _plain() -> dict[tuple[str, object], str]:
    return {
        ("basis", "spend"): _("Tiers are reached by spending."),
        ("basis", "visits"): _("Tiers are reached by visits: days with a purchase."),
        ("basis", "growth"): _("Tiers are reached by growth value."),
        ("window", "calendar_year"): _("What is bought in the calendar year counts."),
        ("window", "rolling_12_months"): _("What was bought in the last twelve months counts."),
        ("window", "lifetime"): _("All that was ever bought counts."),
        ("period", "at_once"): _("Tiers are not held for a period; every night counts."),
        ("period", "quarter"): _("Tiers are held to the end of the quarter."),
        ("period", "year"): _("Tiers are held to the end of the calendar year."),
        ("period", "anniversary"): _("Tiers are held for a year from the day they are reached."),
        ("fall", "one_step"): _("Who does not keep a tier falls one step."),
        ("fall", "to_spend"): _("Who does not keep a tier falls to what their spend keeps."),
        ("reverses_on_refund", True): _("A tier goes with the goods that gave it, when they are returned."),
        ("reverses_on_refund", False): _("A tier stays when the goods that gave it are returned."),
        ("benefits", ""): _("What the tier gives is described anew."),
        ("text", ""): _("The rules in words are written anew."),
    }
