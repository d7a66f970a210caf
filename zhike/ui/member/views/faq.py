"""Answers to read: searched by words or pinyin, each with a word whether it helped."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page

SHOWN = 60


@require_safe
@member_page
def articles(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    q = request.GET.get("q", "").strip()[:80]
    found = queries.search_articles(member.viewer, organization.default_group().id, q, limit=SHOWN)
    return page(request, "faq", {"articles": found, "q": q, "skill_names": words.SKILLS}, active="profile")


@require_http_methods(["GET", "POST"])
@member_page
def article(request: Any, code: str) -> HttpResponse:
    member: SignedIn = request.member
    group_id = organization.default_group().id
    if request.method == "POST":
        operations.rate_article(
            actor=member.viewer,
            group_id=group_id,
            code=code,
            is_helpful=request.POST.get("helps") == "yes",
            now=member.now,
        )
        messages.success(request, _("Thank you for telling us."))
        return HttpResponseRedirect(reverse("member:faq_article", args=[code]))
    found = queries.article(member.viewer, group_id, code)
    return page(request, "faq_article", {"article": found}, active="profile")
