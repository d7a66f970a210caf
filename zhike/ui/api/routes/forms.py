"""Forms: which there are, what a published one asks, answers sent in and read."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.kernel.ids import uuid7
from zhike.loyalty import queries as loyalty
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Input, text
from zhike.ui.api.shapes import ID_MAX
from zhike.webforms import operations, queries

router = Router(tags=["forms"])
FormId = Annotated[int, Path(ge=1, le=ID_MAX)]
FormState = Literal["draft", "closed", "early", "over", "full", "open"]
Key = Annotated[str, text(12, 1)]
Line = Annotated[str, text(60)]
Said = (
    Annotated[str, Field(strict=True, max_length=2_000)]
    | Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
    | Annotated[float, Field(strict=True, ge=-1e15, le=1e15, allow_inf_nan=False)]
    | bool
    | Annotated[list[Line], Field(max_length=40)]
    | Annotated[dict[Line, Line], Field(max_length=40)]
)


class FormOut(Out):
    """`version` 0 was never published; `mall_id` null is the whole group's."""

    form_id: int
    name: str
    state: FormState
    version: int
    mall_id: int | None
    answered: int
    answers_max: int
    opens_at: dt.datetime | None
    closes_at: dt.datetime | None


class FormsOut(Out):
    items: list[FormOut]


class FormConditionOut(Out):
    """The field is shown only if the answer of an earlier one compares so."""

    field: str
    op: Literal["is", "is_not", "contains", "at_least", "at_most"]
    value: str


class FormFieldOut(Out):
    key: str
    kind: str
    label: str
    help: str
    is_required: bool
    options: list[str]
    rows: list[str]
    low: float | None
    high: float | None
    when: FormConditionOut | None


class FormDefinitionOut(Out):
    """The newest published version, which answers name."""

    form_id: int
    version: int
    state: FormState
    title: str
    intro: str
    thanks: str
    fields: list[FormFieldOut]


class FormAnswerIn(Input):
    """`values` by the keys of the fields: text, number, an option, several of them, or row to option of a table."""

    version: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    values: Annotated[dict[Key, Said], Field(max_length=60)]


class FormAnswerMade(Out):
    answer_id: UUID


class FormAnswerOut(Out):
    """`values` as they were kept; of a table pairs of row and option. `member_id` null: nobody knows who."""

    answer_id: UUID
    version: int
    channel: str
    member_id: int | None
    lead: str
    values: dict[str, Any]
    answered_at: dt.datetime


class FormAnswersOut(Out):
    items: list[FormAnswerOut]
    next_cursor: str | None


@router.get("/forms", auth=Needs("forms.view"), response=FormsOut)
def list_forms(request: ApiRequest) -> FormsOut:
    names = ("name", "state", "version", "mall_id", "answered", "answers_max", "opens_at", "closes_at")
    found = queries.forms(request.viewer, request.now)
    return FormsOut(
        items=[FormOut(form_id=one.id, **{name: getattr(one, name) for name in names}) for one in found]
    )


@router.get("/forms/{int:form_id}", auth=Needs("forms.view"), response=FormDefinitionOut)
def get_form(request: ApiRequest, form_id: FormId) -> FormDefinitionOut:
    view = queries.form(request.viewer, form_id, request.now)
    shown = queries.open_form(view.code, request.now)
    definition = shown.definition
    return FormDefinitionOut(
        form_id=shown.id,
        version=shown.version,
        state=shown.state,
        title=definition.title,
        intro=definition.intro,
        thanks=definition.thanks,
        fields=[_field(one) for one in definition.fields],
    )


def _field(one: queries.Field) -> FormFieldOut:
    when = one.when
    return FormFieldOut(
        key=one.key,
        kind=one.kind,
        label=one.label,
        help=one.help,
        is_required=one.is_required,
        options=list(one.options),
        rows=list(one.rows),
        low=one.low,
        high=one.high,
        when=FormConditionOut(field=when.field, op=when.op, value=when.value) if when else None,  # type: ignore[arg-type]
    )


@router.post(
    "/forms/{int:form_id}/answers", auth=Needs("forms.submit", body=True), response={201: FormAnswerMade}
)
def submit_form_answer(request: ApiRequest, form_id: FormId, body: FormAnswerIn) -> Any:
    def keep() -> Outcome:
        view = queries.form(request.viewer, form_id, request.now, queries.SUBMIT)
        made = operations.answer_form(
            actor=request.viewer,
            code=view.code,
            version=body.version,
            nonce=uuid7().hex,
            channel="api",
            given=body.values,
            now=request.now,
        )
        return Outcome(201, FormAnswerMade(answer_id=made).model_dump(mode="json"))

    return run_once(request, keep)


@router.get("/forms/{int:form_id}/answers", auth=Needs("forms.answers"), response=FormAnswersOut)
def list_form_answers(
    request: ApiRequest,
    form_id: FormId,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> FormAnswersOut:
    page = queries.answers_page(request.viewer, form_id, cursor=cursor, limit=limit)
    return FormAnswersOut(items=[_out(one) for one in page.items], next_cursor=page.next_cursor)


def _out(one: queries.AnswerView) -> FormAnswerOut:
    return FormAnswerOut(
        answer_id=one.id,
        version=one.version,
        channel=one.channel,
        member_id=None if one.person_id is None else loyalty.member_id_of_person(one.person_id),
        lead=one.lead,
        values=one.values,
        answered_at=one.answered_at,
    )
