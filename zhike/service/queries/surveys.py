"""Surveys: what is asked, who was asked and answered, and what it adds up to."""

from __future__ import annotations

import datetime as dt
import hmac
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.crypto import salted_hmac

from zhike.kernel.access import Viewer, load_visible, require, require_touch, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.organization import queries as organization
from zhike.service.models import Cause, Invitation, Survey, SurveyAnswer, SurveyVersion, Touchpoint
from zhike.service.queries.tickets import HANDLE
from zhike.service.rules import surveys as rules

COLUMNS = {"mall": "mall_id"}
NEWEST = Keyset((("answered_at", "desc"), ("id", "desc")))
LIMIT_MAX = 200
TOP = 10


# --- links ---------------------------------------------------------------------------------------------------------


def survey_token(invitation_id: int) -> str:
    """What the link in a message carries: it names the invitation and cannot be guessed from another one."""
    digest = salted_hmac("zhike.service.survey", str(invitation_id), algorithm="sha256").hexdigest()[:24]
    return f"{invitation_id}-{digest}"


def survey_url(invitation_id: int) -> str:
    return f"{settings.PUBLIC_URL}/m/s/{survey_token(invitation_id)}/"


def touchpoint_url(code: str) -> str:
    return f"{settings.PUBLIC_URL}/m/t/{code}/"


def invitation_of(token: str) -> int:
    """The invitation whose link this is. Raises NotFound."""
    number, _dash, _digest = token.partition("-")
    if not number.isascii() or not number.isdecimal() or len(number) > 18:
        raise NotFound
    if not hmac.compare_digest(survey_token(int(number)).encode(), token.encode()):
        raise NotFound
    return int(number)


@dataclass(frozen=True, slots=True)
class FormView:
    """What somebody is asked. ``state`` is open, answered or over; ``about`` the ticket or the place."""

    kind: str
    question: str
    questions: list[dict[str, Any]]
    thanks: str
    about: str
    state: str

    @property
    def scale(self) -> range:
        lowest, highest = rules.SCALES[self.kind]
        return range(lowest, highest + 1)


def invitation_form(token: str, now: dt.datetime) -> FormView:
    """The form behind a signed link. Raises NotFound."""
    row = (
        Invitation.objects.select_related("survey", "version", "ticket")
        .filter(pk=invitation_of(token))
        .first()
    )
    if row is None:
        raise NotFound
    state = "open"
    if row.answered_at is not None:
        state = "answered"
    elif row.cancelled_at is not None or (now > row.ends_at and not row.survey.counts_late):
        state = "over"
    about = row.ticket.title if row.ticket else ""
    return _form(row.survey, row.version, about, state)


def touchpoint_form(code: str) -> FormView:
    """The form behind the code of a place. Raises NotFound."""
    row = Touchpoint.objects.select_related("survey", "mall").filter(code=code, is_open=True).first()
    version = newest_versions([row.survey_id]).get(row.survey_id) if row else None
    if row is None or version is None:
        raise NotFound
    about = f"{row.mall.name} · {row.name}"
    return _form(row.survey, version, about, "open" if row.survey.is_open else "over")


def _form(survey: Survey, version: SurveyVersion, about: str, state: str) -> FormView:
    return FormView(survey.kind, version.question, version.questions, version.thanks, about, state)


def open_invitation_token(ticket_id: int, now: dt.datetime) -> str:
    """The link's token while a ticket's survey waits for its answer; "" otherwise. The caller showed the ticket."""
    rows = Invitation.objects.filter(
        ticket_id=ticket_id, answered_at=None, cancelled_at=None, ask_at__lte=now, ends_at__gt=now
    )
    pk = rows.values_list("id", flat=True).first()
    return survey_token(pk) if pk else ""


def waiting_tokens(viewer: Viewer, survey_id: int) -> list[str]:
    """The links that were sent and not used yet, for who may read every answer. Raises NotAllowed."""
    require_touch(viewer, HANDLE)
    rows = Invitation.objects.filter(survey_id=survey_id, sent_at__isnull=False, answered_at=None)
    return [survey_token(pk) for pk in rows.order_by("id").values_list("id", flat=True)]


# --- for staff -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SurveyView:
    id: int
    code: str
    name: str
    kind: str
    trigger: str
    window_days: int
    remind_after_days: int
    quarantine_days: int
    quota: int
    counts_late: bool
    is_open: bool
    version: int
    question: str
    questions: list[dict[str, Any]]
    thanks: str
    asked: int
    answered: int
    score: rules.Score


@dataclass(frozen=True, slots=True)
class TouchpointView:
    id: int
    survey_id: int
    survey: str
    mall_id: int
    merchant_id: int | None
    merchant_name: str
    department_id: int | None
    department: str
    kind: str
    name: str
    code: str
    url: str
    is_open: bool
    opened: int
    score: rules.Score


@dataclass(frozen=True, slots=True)
class AnswerView:
    id: int
    score: int
    verdict: str
    comment: str
    answers: tuple[tuple[str, str], ...]
    about: str
    number: str
    is_late: bool
    answered_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Results:
    """``asked`` were written to (or scanned a code), ``opened`` looked at the form, ``answered`` sent it.

    ``by_score`` counts each score of the scale, ``by_month`` the score of each month, ``choices`` how often each option
    of each question was chosen.
    """

    survey: SurveyView
    asked: int
    opened: int
    answered: int
    late: int
    score: rules.Score
    by_score: tuple[tuple[int, int], ...]
    by_month: tuple[tuple[dt.date, rules.Score], ...]
    choices: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    key: int | None
    name: str
    score: rules.Score


@dataclass(frozen=True, slots=True)
class TicketScores:
    """What members said after their tickets: as a whole, by who dealt with it, merchant and cause; the worst first."""

    score: rules.Score
    asked: int
    agents: tuple[ScoreRow, ...]
    merchants: tuple[ScoreRow, ...]
    causes: tuple[ScoreRow, ...]


def newest_versions(survey_ids: Iterable[int]) -> dict[int, SurveyVersion]:
    rows = SurveyVersion.objects.filter(survey_id__in=list(survey_ids)).order_by("version")
    return {row.survey_id: row for row in rows}


def surveys(viewer: Viewer, group_id: int) -> list[SurveyView]:
    """All of a group with their scores in the viewer's malls, in the order they were made. Raises NotAllowed."""
    require(viewer, HANDLE)
    return _surveys(viewer, Survey.objects.filter(group_id=group_id).order_by("id"))


def survey(viewer: Viewer, survey_id: int) -> SurveyView:
    """Raises NotFound, NotAllowed."""
    require(viewer, HANDLE)
    found = _surveys(viewer, Survey.objects.filter(pk=survey_id))
    if not found:
        raise NotFound
    return found[0]


def _surveys(viewer: Viewer, rows: QuerySet[Survey]) -> list[SurveyView]:
    found = list(rows)
    ids = [row.pk for row in found]
    versions = newest_versions(ids)
    answers = _answers(viewer).filter(survey_id__in=ids).values_list("survey_id", "score")
    counted: dict[int, Counter[int]] = {pk: Counter() for pk in ids}
    for pk, score, n in answers.annotate(n=Count("id")).order_by():
        counted[pk][score] += n
    asked = dict(
        Invitation.objects.filter(survey_id__in=ids, sent_at__isnull=False)
        .values_list("survey_id")
        .annotate(n=Count("id"))
        .order_by()
    )
    scans = dict(
        visible(Touchpoint.objects.filter(survey_id__in=ids), viewer, HANDLE, COLUMNS)
        .values_list("survey_id")
        .annotate(n=Count("id"), opened=Sum("opened"))
        .order_by()
        .values_list("survey_id", "opened")
    )
    views = []
    for row in found:
        own = ("code", "name", "kind", "trigger", "window_days", "remind_after_days", "quarantine_days", "quota",
               "counts_late", "is_open")  # fmt: skip
        version = versions[row.pk]
        views.append(
            SurveyView(
                id=row.pk,
                **{name: getattr(row, name) for name in own},
                version=version.version,
                question=version.question,
                questions=version.questions,
                thanks=version.thanks,
                asked=(scans.get(row.pk) or 0) if row.trigger == "link" else asked.get(row.pk, 0),
                answered=counted[row.pk].total(),
                score=rules.score_of(row.kind, counted[row.pk]),
            )
        )
    return views


def _answers(viewer: Viewer) -> QuerySet[SurveyAnswer]:
    """Answers about the viewer's malls; those about no place are for who sees every mall."""
    return visible(SurveyAnswer.objects.all(), viewer, HANDLE, COLUMNS)


def survey_results(
    viewer: Viewer,
    survey_id: int,
    *,
    mall_id: int | None,
    since: dt.datetime,
    until: dt.datetime,
    zone: dt.tzinfo,
) -> Results:
    """What a survey brought between two moments. Raises NotFound, NotAllowed."""
    view = survey(viewer, survey_id)
    rows = _answers(viewer).filter(survey_id=survey_id, answered_at__gte=since, answered_at__lte=until)
    places = visible(Touchpoint.objects.filter(survey_id=survey_id), viewer, HANDLE, COLUMNS)
    asked_rows = Invitation.objects.filter(survey_id=survey_id, sent_at__gte=since, sent_at__lte=until)
    if mall_id is not None:
        rows, places = rows.filter(mall_id=mall_id), places.filter(mall_id=mall_id)
        asked_rows = asked_rows.filter(Q(ticket__mall_id=mall_id) | Q(ticket=None))
    found = list(rows.values_list("score", "answers", "answered_at", "is_late"))
    counts = Counter(row[0] for row in found)
    months: dict[dt.date, Counter[int]] = {}
    for score, _given, moment, _late in found:
        months.setdefault(moment.astimezone(zone).date().replace(day=1), Counter())[score] += 1
    if view.trigger == "link":
        asked = opened = places.aggregate(n=Sum("opened"))["n"] or 0
    else:
        asked = asked_rows.count()
        opened = asked_rows.filter(opened_at__isnull=False).count()
    lowest, highest = rules.SCALES[view.kind]
    return Results(
        survey=view,
        asked=asked,
        opened=opened,
        answered=len(found),
        late=sum(1 for row in found if row[3]),
        score=rules.score_of(view.kind, counts),
        by_score=tuple((score, counts.get(score, 0)) for score in range(lowest, highest + 1)),
        by_month=tuple((month, rules.score_of(view.kind, months[month])) for month in sorted(months)),
        choices=_choices(view, [row[1] for row in found]),
    )


def _choices(
    view: SurveyView, answers: list[dict[str, Any]]
) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    tables = []
    for place, one in enumerate(view.questions):
        if one["type"] not in ("choice", "many"):
            continue
        chosen: Counter[str] = Counter()
        for given in answers:
            value = given.get(str(place))
            chosen.update([value] if isinstance(value, str) else value or [])
        options = [(option, chosen.get(option, 0)) for option in one["options"]]
        tables.append((str(one["text"]), tuple(sorted(options, key=lambda pair: -pair[1]))))
    return tuple(tables)


def answers_page(
    viewer: Viewer,
    survey_id: int,
    *,
    mall_id: int | None = None,
    verdict: str = "",
    with_words: bool = False,
    touchpoint_id: int | None = None,
    cursor: str | None = None,
    limit: int = 30,
) -> Listing[AnswerView]:
    """Single answers, newest first, without anybody's name. Raises NotFound, NotAllowed, BadCursor."""
    view = survey(viewer, survey_id)
    rows = _answers(viewer).filter(survey_id=survey_id).select_related("ticket", "touchpoint", "version")
    conditions = {"mall_id": mall_id, "touchpoint_id": touchpoint_id}
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    if verdict == "low":
        rows = rows.filter(score__lte=rules.LOW[view.kind])
    elif verdict == "high":
        rows = rows.filter(score__gte=rules.HIGH[view.kind])
    if with_words:
        rows = rows.exclude(comment="")
    page = NEWEST.page(rows, cursor, min(max(limit, 1), LIMIT_MAX))
    return Listing([_answer(view.kind, row) for row in page.items], page.next_cursor, page.previous_cursor)


def _answer(kind: str, row: SurveyAnswer) -> AnswerView:
    told = []
    for place, one in enumerate(row.version.questions):
        value = row.answers.get(str(place))
        if value not in (None, "", []):
            told.append((str(one["text"]), "、".join(value) if isinstance(value, list) else str(value)))
    about = row.ticket.title if row.ticket else row.touchpoint.name if row.touchpoint else ""
    return AnswerView(
        row.pk,
        row.score,
        rules.verdict(kind, row.score),
        row.comment,
        tuple(told),
        about,
        row.ticket.number if row.ticket else "",
        row.is_late,
        row.answered_at,
    )


def touchpoints(
    viewer: Viewer, *, mall_id: int | None = None, survey_id: int | None = None
) -> list[TouchpointView]:
    """Places with their codes and scores, the worst first. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = visible(Touchpoint.objects.select_related("survey", "department"), viewer, HANDLE, COLUMNS)
    conditions = {"mall_id": mall_id, "survey_id": survey_id}
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    found = list(rows.order_by("id"))
    counted: dict[int, Counter[int]] = {}
    answers = SurveyAnswer.objects.filter(touchpoint_id__in=[row.pk for row in found])
    for pk, score, n in answers.values_list("touchpoint_id", "score").annotate(n=Count("id")).order_by():
        counted.setdefault(pk or 0, Counter())[score] += n
    views = []
    for row in found:
        merchant = organization.merchant_ref(row.merchant_id) if row.merchant_id else None
        views.append(
            TouchpointView(
                row.pk,
                row.survey_id,
                row.survey.name,
                row.mall_id,
                row.merchant_id,
                merchant.name if merchant else "",
                row.department_id,
                row.department.name if row.department else "",
                row.kind,
                row.name,
                row.code,
                touchpoint_url(row.code),
                row.is_open,
                row.opened,
                rules.score_of(row.survey.kind, counted.get(row.pk, {})),
            )
        )
    return sorted(views, key=lambda one: (one.score.mean is None, one.score.mean or 0))


def touchpoint(viewer: Viewer, touchpoint_id: int) -> TouchpointView:
    """Raises NotFound."""
    row = load_visible(Touchpoint.objects.all(), touchpoint_id, viewer, HANDLE, COLUMNS)
    return next(one for one in touchpoints(viewer, mall_id=row.mall_id) if one.id == row.pk)


def ticket_scores(
    viewer: Viewer, *, mall_id: int | None, since: dt.datetime, until: dt.datetime
) -> TicketScores:
    """Answers after tickets, by agent, merchant and cause (top of the tree). Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = _answers(viewer).filter(ticket__isnull=False, answered_at__gte=since, answered_at__lte=until)
    asked = Invitation.objects.filter(ticket__isnull=False, sent_at__gte=since, sent_at__lte=until)
    asked = visible(asked, viewer, HANDLE, {"mall": "ticket__mall_id"})
    if mall_id is not None:
        rows, asked = rows.filter(mall_id=mall_id), asked.filter(ticket__mall_id=mall_id)
    found = list(rows.values_list("score", "agent_id", "agent__name", "merchant_id", "cause_id"))
    tree = {row.pk: row for row in Cause.objects.all()}

    def top(cause_id: int | None) -> tuple[int | None, str]:
        row = tree.get(cause_id or 0)
        while row is not None and row.parent_id is not None:
            row = tree[row.parent_id]
        return (row.pk, row.name) if row else (None, "")

    def merchant(pk: int | None) -> tuple[int | None, str]:
        known = organization.merchant_ref(pk) if pk else None
        return (pk, known.name) if known else (None, "")

    return TicketScores(
        score=rules.score_of("csat", Counter(row[0] for row in found)),
        asked=asked.count(),
        agents=_rows(((row[1], row[2] or ""), row[0]) for row in found),
        merchants=_rows((merchant(row[3]), row[0]) for row in found if row[3]),
        causes=_rows((top(row[4]), row[0]) for row in found),
    )


def _rows(pairs: Iterable[tuple[tuple[int | None, str], int]]) -> tuple[ScoreRow, ...]:
    counted: dict[tuple[int | None, str], Counter[int]] = {}
    for key, score in pairs:
        counted.setdefault(key, Counter())[score] += 1
    rows = [ScoreRow(key, name, rules.score_of("csat", counts)) for (key, name), counts in counted.items()]
    return tuple(sorted(rows, key=lambda row: (row.score.mean or 0, -row.score.count))[:TOP])
