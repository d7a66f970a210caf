"""Tags: what there is, who has which and why, given and taken off by hand."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Path, Router

from zhike.insight import operations, queries
from zhike.insight.queries import tag_rule as rules
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import queries as loyalty
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.members import MemberId
from zhike.ui.api.tag_schemas import MarkIn, MemberTagOut, MemberTagsOut, TagOut, TagsOut
from zhike.ui.components import tags as words

router = Router(tags=["tags"])
Code = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


@router.get("/tags", auth=Needs("tags.give"), response=TagsOut)
def list_tags(request: ApiRequest) -> TagsOut:
    """Every tag that is live or being drafted, by category and name, with its rule and what that means."""
    return TagsOut(items=[_out(queries.tag(request.viewer, ref.id)) for ref in queries.tags(request.viewer)])


def _out(found: queries.TagView) -> TagOut:
    ref = found.ref
    return TagOut(
        code=ref.code, name=ref.name, name_en=ref.name_en, category=ref.category, kind=ref.kind, state=ref.state,
        version=found.version, ttl_days=found.ttl_days, rule=rules.stored(found.rule) if found.rule else None,
        sentence=words.sentence(found.rule, {}) if found.rule else "",
    )  # fmt: skip


@router.get("/members/{int:member_id}/tags", auth=Needs("members.view"), response=MemberTagsOut)
def list_member_tags(request: ApiRequest, member_id: MemberId) -> MemberTagsOut:
    """The tags of one member, newest first, and those somebody said do not fit."""
    return _of_member(_person_id(request, member_id))


def _person_id(request: ApiRequest, member_id: int) -> int:
    return loyalty.member_file(request.viewer, member_id, request.now).person.id


def _of_member(person_id: int) -> MemberTagsOut:
    found = queries.tags_of(person_id)
    return MemberTagsOut(items=[_tag(one) for one in found.on], refused=[_tag(one) for one in found.off])


def _tag(one: queries.TagOn) -> MemberTagOut:
    return MemberTagOut(
        code=one.ref.code, name=one.ref.name, category=one.ref.category, source=one.source, since=one.since,
        why=words.why(one.rule, one.figures, {}), figures=list(one.figures), by=one.by, note=one.note,
    )  # fmt: skip


@router.post(
    "/members/{int:member_id}/tags",
    auth=Needs("tags.give", "members.view", body=True),
    response=MemberTagsOut,
)
def mark_member_tag(request: ApiRequest, member_id: MemberId, body: MarkIn) -> Any:
    """Say by hand that a member has a tag, or (`is_on` false) has it not; no rule says otherwise from here on."""

    def act() -> Outcome:
        person_id = _person_id(request, member_id)
        ref = queries.tag_by_code(request.viewer, body.code)
        operations.mark_tag(
            actor=request.viewer,
            person_id=person_id,
            tag_id=ref.id,
            is_on=body.is_on,
            note=body.note,
            now=request.now,
        )
        return Outcome(200, _of_member(person_id).model_dump(mode="json"))

    return run_once(request, act)


@router.delete(
    "/members/{int:member_id}/tags/{code}", auth=Needs("tags.give", "members.view"), response=MemberTagsOut
)
def unmark_member_tag(request: ApiRequest, member_id: MemberId, code: Code) -> MemberTagsOut:
    """Take back what was said by hand: from here on the rule decides again, if there is one."""
    person_id = _person_id(request, member_id)
    ref = queries.tag_by_code(request.viewer, code)
    operations.unmark_tag(actor=request.viewer, person_id=person_id, tag_id=ref.id, now=request.now)
    return _of_member(person_id)
