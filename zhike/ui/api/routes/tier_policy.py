"""The terms of the tiers in versions: read, published, withdrawn."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.rates import YEAR_MAX, YEAR_MIN, default_program
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import AMOUNT_FEN_MAX, ID_MAX

router = Router(tags=["members"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]
Fen = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_FEN_MAX)]


def _words(maximum: int) -> Any:
    """Text of several lines."""
    return Field(strict=True, max_length=maximum, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$")


class TierTermIn(Input):
    """One tier: what reaches it and what keeps it (`keep_fen`, `keep_count` null: as much; `keep_visits` null: days do not count).

    A ladder on spend goes by `threshold_fen`, one on visits or growth value by `threshold_count`.
    """

    tier: Id
    threshold_fen: Fen
    keep_fen: Fen | None = None
    keep_visits: Annotated[int, Field(strict=True, ge=1, le=366)] | None = None
    benefits: Annotated[str, _words(2_000)] = ""
    threshold_count: Fen = 0
    keep_count: Fen | None = None


class GrowthRulesIn(Input):
    """`growth` for every `per_fen` spent, `visit` once a day with a purchase, `deeds` by what was done (check_in, mission, …).

    Purchases from `since` on count, though the terms begin later. `returns`: goods that go back take theirs with them.
    """

    growth: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 1
    per_fen: Annotated[int, Field(strict=True, ge=1, le=100_000_000)] = 100
    visit: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    deeds: dict[
        Literal["check_in", "birthday", "referral", "mission", "prize", "journey"],
        Annotated[int, Field(strict=True, ge=0, le=100_000)],
    ] = {}
    since: dt.date | None = None
    returns: bool = True


class TierTermsIn(Input):
    """All tiers from the lowest up, and how they are held."""

    tiers: Annotated[list[TierTermIn], Field(min_length=1, max_length=50)]
    window: Literal["rolling_12_months", "calendar_year", "lifetime"]
    period: Literal["at_once", "anniversary", "year", "quarter"]
    grace_days: Annotated[int, Field(strict=True, ge=0, le=90)] = 0
    fall: Literal["one_step", "to_spend"] = "one_step"
    reverses_on_refund: bool = True
    text: Annotated[str, _words(5_000)] = ""
    basis: Literal["spend", "visits", "growth"] = "spend"
    growth: GrowthRulesIn | None = None


class TierPolicyIn(Input):
    """`texts_only_add`: the changed words take nothing away; otherwise they need the notice too."""

    terms: TierTermsIn
    effective_from: dt.datetime
    texts_only_add: bool = False
    note: Annotated[str, text(300)] = ""


class TierTermChangeOut(Out):
    """One difference from the version before; `tier` null: of all tiers. `kind` text is for people to judge."""

    what: str
    tier: str | None
    kind: Literal["better", "worse", "text"]
    sentence: str


class TierPolicyOut(Out):
    """`state`: notice is one that makes something worse and was not announced to everybody yet; `starts_at` is null so long."""

    version_id: int
    version: int
    state: Literal["planned", "notice", "in_force", "past", "withdrawn"]
    terms: dict[str, Any]
    effective_from: dt.datetime
    starts_at: dt.datetime | None
    ended_at: dt.datetime | None
    worsens: bool
    changes: list[TierTermChangeOut]
    notice_days: int
    noticed_at: dt.datetime | None
    told: int
    told_at: dt.datetime | None
    note: str


class TierPoliciesOut(Out):
    """`in_force` are today's terms, which stand before the first version too."""

    in_force: dict[str, Any]
    items: list[TierPolicyOut]


class TierPolicyIdOut(Out):
    version_id: int


@router.get("/tier-policies", auth=Needs("programme.view"), response=TierPoliciesOut)
def list_tier_policies(request: ApiRequest) -> TierPoliciesOut:
    program_id = default_program()
    return _listing(program_id, queries.tier_policy_versions(request.viewer, program_id))


@router.get("/members/{int:member_id}/tier-policies", auth=Needs("members.view"), response=TierPoliciesOut)
def member_tier_policies(request: ApiRequest, member_id: PathId) -> TierPoliciesOut:
    found = queries.member_tier_policies(request.viewer, member_id)
    program = queries.member_file(request.viewer, member_id, request.now).programme
    return _listing(program.id, found)


@router.post("/tier-policies", auth=Needs("programme.edit", body=True), response={201: TierPolicyIdOut})
def publish_tier_policy(request: ApiRequest, body: TierPolicyIn) -> Any:
    moment = body.effective_from
    if moment.tzinfo is None or not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise operations.InvalidTierPolicy(path="effective_from", reason="out_of_range")

    def execute() -> Outcome:
        version_id = operations.publish_tier_policy(
            actor=request.viewer,
            program_id=default_program(),
            definition=body.terms.model_dump(mode="json"),
            effective_from=moment,
            texts_only_add=body.texts_only_add,
            note=body.note,
            now=request.now,
        )
        return Outcome(201, {"version_id": version_id})

    return run_once(request, execute)


@router.post(
    "/tier-policies/{int:version_id}/withdrawal",
    auth=Needs("programme.edit", body=True),
    response={200: TierPolicyIdOut},
)
def withdraw_tier_policy(request: ApiRequest, version_id: PathId) -> Any:
    def execute() -> Outcome:
        operations.withdraw_tier_policy(actor=request.viewer, version_id=version_id, now=request.now)
        return Outcome(200, {"version_id": version_id})

    return run_once(request, execute)


def _listing(program_id: int, found: list[queries.TierPolicyView]) -> TierPoliciesOut:
    now = queries.plain_policy(queries.policy_now(program_id))
    return TierPoliciesOut(in_force=now, items=[_out(one) for one in found])


def _out(one: queries.TierPolicyView) -> TierPolicyOut:
    return TierPolicyOut(
        version_id=one.version_id,
        version=one.version,
        state=one.state,  # type: ignore[arg-type]
        terms=queries.plain_policy(one.policy),
        effective_from=one.effective_from,
        starts_at=one.starts_at,
        ended_at=one.ended_at,
        worsens=one.worsens,
        changes=[
            TierTermChangeOut(
                what=change.what,
                tier=change.tier.code if change.tier else None,
                kind=change.kind,  # type: ignore[arg-type]
                sentence=change.sentence,
            )
            for change in one.changes
        ],
        notice_days=one.notice_days,
        noticed_at=one.noticed_at,
        told=one.told,
        told_at=one.told_at,
        note=one.note,
    )
