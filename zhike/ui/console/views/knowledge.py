"""What we know: articles with their versions; and the assistant: how it does, what it missed, what it is taught."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import inbox as forms
from zhike.ui.console.pages import done, fragment, malls_of, page, permissions, refused, wants_fragment
from zhike.ui.console.views.inbox import in_dialog

HANDLE = "tickets.handle"
MANAGE = "tickets.manage"
OVER = dt.timedelta(days=30)


def article_url(code: str) -> str:
    return reverse("console:article", args=[code])


@staff_page(HANDLE)
def articles(request: StaffRequest) -> HttpResponse:
    """All of them, or what fits a search: by words, or by pinyin."""
    group_id = organization.default_group().id
    q = request.GET.get("q", "").strip()
    found = (
        queries.search_articles(request.viewer, group_id, q)
        if q
        else queries.articles(request.viewer, group_id)
    )
    context: dict[str, Any] = {"articles": found, "q": q, "skill_names": words.SKILLS}
    if wants_fragment(request):
        return fragment(request, "console/knowledge/_articles.html", context)
    context["may"] = permissions(request, manage=MANAGE)
    return page(request, "console/knowledge/articles.html", context, section="knowledge")


@staff_page(HANDLE)
def article(request: StaffRequest, code: str) -> HttpResponse:
    found = queries.article(request.viewer, organization.default_group().id, code)
    context = {
        "article": found,
        "versions": queries.article_versions(request.viewer, found.id),
        "states": words.ARTICLES.items(),
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/knowledge/article.html", context, section="knowledge")


@staff_page(HANDLE)
def edit_article(request: StaffRequest) -> HttpResponse:
    """A new one, or a new version of the one with this code."""
    group_id = organization.default_group().id
    code = request.GET.get("code", "")
    known = next((one for one in queries.articles(request.viewer, group_id) if one.code == code), None)
    initial: dict[str, Any] = {"for_members": True}
    if known is not None:
        initial = {name: getattr(known, name) for name in ("code", "skill", "title", "body", "for_members")}
        initial["questions"] = "\n".join(known.questions)
    form = forms.ArticleForm(request.POST or None, initial=initial)

    def act(data: dict[str, Any]) -> None:
        asked = data.pop("questions").splitlines()
        operations.save_article(
            actor=request.viewer, group_id=group_id, questions=asked, now=request.now, **data
        )

    url = article_url(code) if known else reverse("console:knowledge")
    return in_dialog(request, form, "article", act, url, title=_("Article"), wide=True)


@require_POST
@staff_page(MANAGE)
def article_state(request: StaffRequest, code: str) -> HttpResponse:
    try:
        operations.set_article_state(
            actor=request.viewer,
            group_id=organization.default_group().id,
            code=code,
            state=request.POST.get("state", ""),
            now=request.now,
        )
    except Problem as problem:
        return refused(request, problem, article_url(code))
    return done(request, _("Saved."), article_url(code))


# --- the assistant -------------------------------------------------------------------------------------------------


@staff_page(HANDLE)
def assistant(request: StaffRequest) -> HttpResponse:
    """The last thirty days in figures, what the model was measured at, and the learning queue."""
    figures = queries.bot_figures(request.viewer, request.now - OVER, malls_of(request).chosen_id)
    parts = (("plain", _("Ordinary wording")), ("slang", _("Slang")), ("blind", _("Blind questions")))
    measured = [(label, figures.model[name]) for name, label in parts if name in figures.model]
    reasons = sorted(figures.reasons.items(), key=lambda pair: -pair[1])
    context = {
        "figures": figures,
        "measured": measured,
        "reasons": reasons,
        "misses": queries.open_misses(request.viewer),
    }
    return page(request, "console/knowledge/assistant.html", context, section="assistant")


@staff_page(HANDLE)
def teach(request: StaffRequest, miss_id: int) -> HttpResponse:
    """What a message meant: an intent and the words to learn, or nothing."""
    miss = next((one for one in queries.open_misses(request.viewer, limit=1_000) if one.id == miss_id), None)
    if miss is None:
        raise NotFound
    titles = [(code, one.title) for code, one in queries.intent_set().items()]
    form = forms.TeachForm(
        request.POST or None,
        intents=titles,
        initial={"text": miss.said[:200], "intent": miss.guesses[0][0] if miss.guesses else ""},
    )

    def act(data: dict[str, Any]) -> None:
        operations.decide_miss(actor=request.viewer, miss_id=miss_id, now=request.now, **data)

    return in_dialog(
        request,
        form,
        f"miss:{miss_id}",
        act,
        reverse("console:assistant"),
        title=_("What was meant?"),
        wide=True,
    )
