"""Earning rules: read, drafted, tried on the past, published."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import rule_text
from zhike.ui.console.forms.programme import PublishForm, RetireRuleForm
from zhike.ui.console.forms.replays import WINDOWS, days_of
from zhike.ui.console.forms.rules import RuleEditor
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions
from zhike.ui.console.programmes import first_programme
from zhike.ui.console.rule_choices import choices
from zhike.ui.console.views import replays

VIEW = "programme.view"
EDIT = "programme.edit"


def _programme(request: StaffRequest) -> Any:
    found = first_programme(request)
    if found is None:
        raise NotFound
    return found


def _zone(request: StaffRequest) -> str:
    malls = malls_of(request).all
    return malls[0].time_zone if malls else "Asia/Shanghai"


@staff_page(VIEW)
def rules(request: StaffRequest) -> HttpResponse:
    programme = first_programme(request)
    found = queries.rules(request.viewer, programme.id, request.now) if programme else []
    shown = choices(request) if found else None
    rows = [
        {
            "rule": rule,
            "clauses": rule_text.clauses(rule.current.definition, shown)[:6]
            if rule.current and shown
            else [],
        }
        for rule in found
    ]
    context = {"rows": rows, "programme": programme, "may": permissions(request, edit=EDIT)}
    return page(request, "console/programme/rules.html", context, section="rules")


def _rule(request: StaffRequest, rule_id: int) -> queries.RuleView:
    found = queries.rules(request.viewer, _programme(request).id, request.now)
    rule = next((rule for rule in found if rule.rule_id == rule_id), None)
    if rule is None:
        raise NotFound
    return rule


@staff_page(VIEW)
def rule(request: StaffRequest, rule_id: int) -> HttpResponse:
    """What is in force, and every version with what it changed."""
    found = _rule(request, rule_id)
    shown = choices(request)
    history = []
    for at, version in enumerate(found.versions):
        older = found.versions[at + 1] if at + 1 < len(found.versions) else None
        history.append({
            "version": version,
            "state": _state_of(found, version),
            "changes": rule_text.changes(older.definition, version.definition, shown) if older else None,
            "clauses": rule_text.clauses(version.definition, shown),
        })  # fmt: skip
    current = found.current or found.planned or found.versions[0]
    context = {
        "rule": found,
        "current": current,
        "clauses": rule_text.clauses(current.definition, shown),
        "history": history,
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/programme/rule.html", context, section="rules")


def _state_of(rule: queries.RuleView, version: queries.RuleVersionView) -> str:
    if rule.current and version.version_id == rule.current.version_id:
        return "current"
    return "planned" if rule.planned and version.effective_from >= rule.planned.effective_from else "past"


# --- the editor ------------------------------------------------------------


@staff_page(EDIT)
def edit_rule(request: StaffRequest, rule_id: int | None = None) -> HttpResponse:
    """Draft a version of a rule, or a new rule; published only by its own button."""
    known = _rule(request, rule_id) if rule_id is not None else None
    start = (known.planned or known.current or known.versions[0]) if known else None
    editor = RuleEditor(
        choices(request),
        request.POST or None,
        definition=start.definition if start else None,
        name=known.name if known else "",
    )
    publish = PublishForm(request.POST or None, is_new=known is None)
    if request.method == "POST" and editor.is_valid() and publish.is_valid():
        try:
            _publish(request, known, editor, publish)
        except Problem as problem:
            add_problem(editor.form, problem)
        else:
            return done(request, _("The version is published."), reverse("console:rules"))
    context = {"editor": editor, "publish": publish, "rule": known, "start": start, "windows": WINDOWS}
    return page(request, "console/programme/rule_form.html", context, section="rules")


def _publish(
    request: StaffRequest, known: queries.RuleView | None, editor: RuleEditor, publish: PublishForm
) -> None:
    operations.publish_rule_version(
        actor=request.viewer,
        program_id=_programme(request).id,
        code=known.code if known else publish.cleaned_data["code"],
        name=editor.form.cleaned_data["name"],
        definition=editor.definition,
        effective_from=publish.moment(request.now, _zone(request)),
        note=publish.cleaned_data["note"],
        now=request.now,
    )


@require_POST
@staff_page(EDIT)
def preview_rule(request: StaffRequest, rule_id: int | None = None) -> HttpResponse:
    """What the draft would have done: the time machine replays the ledger with it."""
    known = _rule(request, rule_id) if rule_id is not None else None
    editor = RuleEditor(choices(request), request.POST)
    if not editor.is_valid():
        return fragment(request, "console/programme/_draft_refused.html", {"is_invalid": True}, status=422)
    draft = {"rule_code": known.code if known else "", "rule": editor.definition}
    try:
        return replays.started(
            request, _programme(request).id, draft, days_of(request.POST.get("replay_days"))
        )
    except Problem as problem:
        context = {"problem": problem.sentence}
        return fragment(request, "console/programme/_draft_refused.html", context, status=422)


@staff_page(EDIT)
def retire_rule(request: StaffRequest, rule_id: int) -> HttpResponse:
    found = _rule(request, rule_id)
    form = RetireRuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        moment = form.moment(request.now, _zone(request))
        try:
            operations.retire_rule(
                actor=request.viewer, rule_id=rule_id, retired_from=moment, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The rule ends then."), reverse("console:rule", args=[rule_id]))
    context = {
        "form": form,
        "title": _("End the rule %(name)s") % {"name": found.name},
        "lead": _("Receipts from then on earn nothing by this rule. What was earned stays."),
        "label": _("End the rule"),
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)
