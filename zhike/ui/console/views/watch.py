"""What was said that should be looked at, and the words that are watched."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import watch as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import watch as watch_forms
from zhike.ui.console.once import dialog_once
from zhike.ui.console.pages import done, fragment, malls_of, page, permissions, wants_fragment

HANDLE, MANAGE = "tickets.handle", "tickets.manage"
SECTION = "word_alerts"


@staff_page(HANDLE)
def alerts(request: StaffRequest) -> HttpResponse:
    """Newest first, with the sentence; what nobody has looked at yet before all."""
    queue = request.GET.get("queue", "open")
    queue = queue if queue in words.QUEUES else "open"
    given = {name: request.GET.get(name, "") for name in ("speaker", "category")}
    mall_id = malls_of(request).chosen_id
    counts = queries.word_alert_counts(request.viewer, mall_id)
    query = request.GET.copy()
    query.pop("cursor", None)
    tabs = []
    for code, label in words.QUEUES.items():
        query["queue"] = code
        url = f"{reverse('console:word_alerts')}?{query.urlencode()}"
        badge = counts["open"] if code == "open" and counts["open"] else ""
        tabs.append({"label": label, "url": url, "active": code == queue, "badge": badge})
    context: dict[str, Any] = {
        "page": queries.word_alerts_page(
            request.viewer,
            queue=queue,
            speaker=given["speaker"] if given["speaker"] in words.SPEAKERS else "",
            category=given["category"] if given["category"] in words.CATEGORIES else "",
            mall_id=mall_id,
            cursor=request.GET.get("cursor"),
        ),
        "queue": queue,
        "tabs": tabs,
        "given": given,
        "counts": counts,
        "speakers": [(code, label) for code, label in words.SPEAKERS.items() if code != "both"],
        "categories": words.CATEGORIES.items(),
        "may": permissions(request, manage=MANAGE),
    }
    if wants_fragment(request):
        return fragment(request, "console/watch/_alerts.html", context)
    return page(request, "console/watch/alerts.html", context, section=SECTION)


@staff_page(HANDLE)
def judge(request: StaffRequest, alert_id: int) -> HttpResponse:
    shown = queries.word_alert(request.viewer, alert_id)
    form = watch_forms.JudgeForm(request.POST or None, initial={"verdict": shown.verdict, "note": shown.note})

    def act() -> None:
        operations.judge_word_alert(
            actor=request.viewer,
            alert_id=alert_id,
            verdict=form.cleaned_data["verdict"],
            note=form.cleaned_data["note"],
            now=request.now,
        )

    return dialog_once(request, form, act, _("Your judgement"), _("Saved."), reverse("console:word_alerts"))


@staff_page(HANDLE)
def word_list(request: StaffRequest) -> HttpResponse:
    """Everything that is watched, by category."""
    group_id = organization.default_group().id
    context = {
        "words": queries.sensitive_words(request.viewer, group_id),
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/watch/words.html", context, section=SECTION)


@staff_page(MANAGE)
def add_words(request: StaffRequest) -> HttpResponse:
    form = watch_forms.WordsForm(request.POST or None)

    def act() -> None:
        data = form.cleaned_data
        operations.save_sensitive_words(
            actor=request.viewer,
            group_id=organization.default_group().id,
            terms=data["terms"].splitlines(),
            category=data["category"],
            severity=data["severity"],
            speaker=data["speaker"],
            now=request.now,
        )

    return dialog_once(
        request, form, act, _("Watch words"), _("The words are watched."), reverse("console:sensitive_words")
    )


@require_POST
@staff_page(MANAGE)
def begin(request: StaffRequest) -> HttpResponse:
    """The usual words, to begin with."""
    group_id = organization.default_group().id
    operations.found_sensitive_words(actor=request.viewer, group_id=group_id, now=request.now)
    return done(request, _("The words are watched."), reverse("console:sensitive_words"))


@require_POST
@staff_page(MANAGE)
def drop(request: StaffRequest, word_id: int) -> HttpResponse:
    operations.drop_sensitive_word(actor=request.viewer, word_id=word_id, now=request.now)
    return done(request, _("The word is watched no longer."), reverse("console:sensitive_words"))
