"""Reviews of conversations: whose turn it is, one beside its conversation, appeals, the report, coaching."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import quality as words
from zhike.ui.components import service
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms import quality as quality_forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, number_or_404, page, permissions
from zhike.ui.console.views.inbox import in_dialog

VIEW, REVIEW, EDIT = "quality.view", "quality.review", "quality.edit"
SECTION = "quality"
WEEKS = (4, 12, 26)
WEEK = dt.timedelta(days=7)


def pick_url(pick_id: int) -> str:
    return reverse("console:quality_pick", args=[pick_id])


@staff_page(VIEW)
def picks(request: StaffRequest) -> HttpResponse:
    """Supervisors see whose turn it is; an agent what was found about them, and what was agreed."""
    may = permissions(request, review=REVIEW, edit=EDIT)
    mall_id = malls_of(request).chosen_id
    counts = queries.quality_counts(request.viewer, mall_id)
    queue = request.GET.get("queue", "")
    if queue not in queries.QUALITY_QUEUES or not may["review"]:
        queue = ("mine" if counts["mine"] else "waiting") if may["review"] else "done"
    reason = request.GET.get("reason", "")
    tabs = [
        {"label": label, "url": f"?queue={code}", "active": code == queue, "badge": _badge(code, counts)}
        for code, label in words.QUEUES.items()
    ]
    context = {
        "page": queries.picks_page(
            request.viewer,
            queue=queue,
            mall_id=mall_id,
            reason=reason if reason in words.REASONS else "",
            cursor=request.GET.get("cursor"),
        ),
        "tabs": tabs if may["review"] else [],
        "queue": queue,
        "reason": reason,
        "reasons": words.REASONS.items(),
        "counts": counts,
        "may": may,
        "notes": [] if may["review"] else queries.coaching_notes(request.viewer, staff_id=request.staff_id),
    }
    if request.htmx:
        return fragment(request, "console/quality/_picks.html", context)
    return page(request, "console/quality/picks.html", context, section=SECTION)


def _badge(code: str, counts: dict[str, int]) -> object:
    return counts[code] or "" if code in ("mine", "appeals") else ""


# --- one conversation ----------------------------------------------------------------------------------------------


@staff_page(VIEW)
def pick(request: StaffRequest, pick_id: int) -> HttpResponse:
    """The conversation beside the checklist; whoever's turn it is writes, everybody else reads."""
    file = queries.pick_file(request.viewer, pick_id, request.now)
    form = _form(request, file)
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            run_once(request, request.path, form, lambda: _write(request, file, form))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The review is kept."), pick_url(pick_id))
    cited = {
        one.quote.number
        for review in file.reviews
        if review.holds
        for many in review.quotes.values()
        for one in many
    }
    context = {
        "file": file,
        "pick": file.pick,
        "form": form,
        "sections": _sections(file, form),
        "cited": cited,
        "may": permissions(request, review=REVIEW, edit=EDIT),
        "held": next((one for one in file.reviews if one.holds), None),
        "facts": list(file.facts.values()),
    }
    status = 422 if form is not None and form.is_bound else 200
    response = page(request, "console/quality/pick.html", context, section=SECTION)
    response.status_code = status
    return response


def _form(request: StaffRequest, file: queries.PickFile) -> quality_forms.ReviewForm | None:
    """To be written: the viewer's own review, or the decision on an appeal; None when there is nothing to write."""
    if not (file.may_review or file.may_decide):
        return None
    is_again = request.GET.get("again") == "1" or request.method == "POST"
    if file.may_review and file.pick.is_written and not is_again:
        return None
    seat = "first" if file.may_decide else file.pick.seat
    known = next((one for one in file.reviews if one.seat == seat), None)
    return quality_forms.ReviewForm(
        request.POST or None,
        items=file.items,
        decides=file.may_decide,
        initial=quality_forms.review_initial(known) if known else {},
    )


def _write(request: StaffRequest, file: queries.PickFile, form: quality_forms.ReviewForm) -> None:
    if form.decides:
        operations.decide_quality_appeal(
            actor=request.viewer,
            pick_id=file.pick.id,
            decision=form.cleaned_data["decision"],
            findings=form.findings(),
            now=request.now,
        )
    else:
        operations.review_conversation(
            actor=request.viewer, pick_id=file.pick.id, findings=form.findings(), now=request.now
        )


def _sections(file: queries.PickFile, form: quality_forms.ReviewForm | None) -> list[dict[str, Any]]:
    """Items by section, each with its fact, and either its fields or what the reviews say."""
    found = []
    for code, title in words.SECTIONS.items():
        rows = [
            {
                "item": one,
                "fact": file.facts.get(one.fact),
                "answer": form[f"answer_{one.code}"] if form else None,
                "note": form[f"note_{one.code}"] if form else None,
                "quote": form[f"quote_{one.code}"] if form else None,
                "reviews": [
                    {
                        "review": review,
                        "answer": review.answers.get(one.code, ""),
                        "note": review.notes.get(one.code, ""),
                        "quotes": review.quotes.get(one.code, ()),
                    }
                    for review in _newest(file.reviews)
                ],
            }
            for one in file.items
            if one.section == code
        ]
        if rows:
            found.append({"code": code, "title": title, "rows": rows})
    return found


def _newest(reviews: Sequence[queries.ReviewView]) -> list[queries.ReviewView]:
    """The newest version of each place."""
    seen: dict[str, queries.ReviewView] = {}
    for one in reviews:
        seen.setdefault(one.seat, one)
    return [seen[seat] for seat in words.SEATS if seat in seen]


@staff_page(VIEW)
def appeal(request: StaffRequest, pick_id: int) -> HttpResponse:
    queries.pick(request.viewer, pick_id)
    form = quality_forms.AppealForm(request.POST or None)

    def act(data: dict[str, Any]) -> None:
        operations.appeal_review(actor=request.viewer, pick_id=pick_id, now=request.now, **data)

    lead = _("Somebody who did not review the conversation decides.")
    return in_dialog(request, form, "appeal", act, pick_url(pick_id), title=_("Appeal"), lead=lead)


@staff_page(REVIEW)
def uphold(request: StaffRequest, pick_id: int) -> HttpResponse:
    """The appeal is decided and the review stands."""
    queries.pick(request.viewer, pick_id)
    form = quality_forms.UpholdForm(request.POST or None)

    def act(data: dict[str, Any]) -> None:
        operations.decide_quality_appeal(actor=request.viewer, pick_id=pick_id, now=request.now, **data)

    return in_dialog(request, form, "uphold", act, pick_url(pick_id), title=_("The review stands"))


@staff_page(EDIT)
def assign(request: StaffRequest, pick_id: int, seat: str) -> HttpResponse:
    shown = queries.pick(request.viewer, pick_id)
    people = [
        pair for pair in queries.quality_reviewers(request.viewer, shown.mall_id) if pair[0] != shown.agent_id
    ]
    form = quality_forms.AssignForm(request.POST or None, people=people)

    def act(data: dict[str, Any]) -> None:
        operations.assign_quality_pick(
            actor=request.viewer, pick_id=pick_id, seat=seat, reviewer_id=data["reviewer"], now=request.now
        )

    return in_dialog(
        request, form, f"assign-{seat}", act, pick_url(pick_id), title=_("Who reviews this conversation")
    )


# --- the report ----------------------------------------------------------------------------------------------------


def _period(request: StaffRequest) -> tuple[int, dt.date, dt.date]:
    """(weeks, from, until): whole weeks, the present one included."""
    weeks = next((n for n in WEEKS if request.GET.get("weeks") == str(n)), WEEKS[0])
    malls = malls_of(request)
    mall_id = malls.chosen_id or (malls.all[0].id if malls.all else 0)
    until = queries.week_of(mall_id, request.now) + WEEK if mall_id else request.now.date()
    return weeks, until - weeks * WEEK, until


@staff_page(VIEW)
def report(request: StaffRequest) -> HttpResponse:
    """By agent, queue, item and week; agents see themselves alone."""
    weeks, since, until = _period(request)
    agent = request.GET.get("agent", "")
    agent_id = number_or_404(agent) if agent else None
    mall_id = malls_of(request).chosen_id
    shown = queries.quality_report(
        request.viewer, since=since, until=until, mall_id=mall_id, agent_id=agent_id
    )
    may = permissions(request, review=REVIEW, edit=EDIT)
    context = {
        "report": shown,
        "trend": _trend(shown),
        "periods": [
            {"label": _("%(n)s weeks") % {"n": n}, "url": f"?weeks={n}&agent={agent}", "active": n == weeks}
            for n in WEEKS
        ],
        "weeks": weeks,
        "since": since,
        "agent": next((row.name for row in shown.agents if row.key == agent), "") if agent else "",
        "may": may,
        "min": queries.COMPARED_MIN,
        "kappa_min": queries.KAPPA_MIN,
        "notes": queries.coaching_notes(
            request.viewer,
            staff_id=agent_id or (None if may["review"] else request.staff_id),
            mall_id=mall_id,
        ),
    }
    return page(request, "console/quality/report.html", context, section=SECTION)


def _trend(shown: queries.QualityReport) -> dict[str, Any]:
    return {
        "kind": "line",
        "unit": "percent",
        "categories": [row.name[5:] for row in shown.weeks],
        "series": [
            {
                "name": _("Mean score"),
                "values": [None if row.mean is None else row.mean / 1000 for row in shown.weeks],
                "tone": "primary",
            }
        ],
    }


@staff_page(REVIEW)
def export(request: StaffRequest) -> HttpResponseBase:
    """Finished reviews with every answer, as a file."""
    _weeks, since, until = _period(request)
    lines = queries.quality_lines(
        request.viewer, since=since, until=until, mall_id=malls_of(request).chosen_id
    )
    operations.export_quality(actor=request.viewer, many=len(lines), now=request.now)
    header = [
        _("Conversation"), _("Week from"), _("Agent"), _("Subject"), _("Why"), _("Checklist"), _("Version"), _("Score"),
        _("Knocked out"), _("Appeal"), _("Answers"),
    ]  # fmt: skip
    rows = [
        [
            one.number,
            one.week.isoformat(),
            one.agent,
            service.SKILLS.get(one.skill, one.skill),
            "、".join(str(words.REASONS[reason]) for reason in one.reasons),
            one.checklist,
            one.version,
            words.tenths(one.score),
            _("Yes") if one.is_fatal else "",
            words.OUTCOMES.get(one.outcome, ""),
            "; ".join(f"{code}={answer}" for code, answer in sorted(one.answers.items())),
        ]
        for one in lines
    ]
    return csv_response("quality", header, rows)


# --- coaching ------------------------------------------------------------------------------------------------------


@staff_page(REVIEW)
def coach(request: StaffRequest) -> HttpResponse:
    """What was agreed: about one review (``?pick=``), or in general."""
    about = request.GET.get("pick", "")
    shown = queries.pick(request.viewer, number_or_404(about)) if about else None
    malls = malls_of(request)
    mall_id = shown.mall_id if shown else malls.chosen_id or (malls.all[0].id if malls.all else 0)
    if not mall_id:
        raise NotFound
    people = organization.staff_at("tickets.handle", mall_id)
    if shown is not None:
        people = [pair for pair in people if pair[0] == shown.agent_id]
    form = quality_forms.CoachingForm(request.POST or None, people=people)

    def act(data: dict[str, Any]) -> None:
        operations.note_coaching(
            actor=request.viewer,
            mall_id=mall_id,
            coached_id=data["staff_id"],
            text=data["text"],
            pick_id=shown.id if shown else None,
            now=request.now,
        )

    url = pick_url(shown.id) if shown else reverse("console:quality_report")
    return in_dialog(
        request, form, "coach", act, url, title=_("Coaching note"), action=request.get_full_path()
    )


@require_POST
@staff_page(VIEW)
def read_coaching(request: StaffRequest, note_id: int) -> HttpResponse:
    operations.read_coaching(actor=request.viewer, note_id=note_id, now=request.now)
    return done(request, _("Marked as read."), reverse("console:quality"))
