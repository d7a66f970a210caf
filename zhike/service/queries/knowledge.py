"""Articles: found by words or pinyin, read, listed with their versions."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max

from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound
from zhike.service.models import Article, ArticleVersion
from zhike.service.rules import search

HANDLE = "tickets.handle"
PUBLIC = "tickets.view"
FOUND_MAX = 20


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article in one version. ``score`` says how well it fits what was searched for."""

    id: int
    code: str
    skill: str
    state: str
    for_members: bool
    version: int
    title: str
    body: str
    questions: tuple[str, ...]
    helped: int
    not_helped: int
    written_at: dt.datetime
    written_by: str
    score: float = 0.0


def words_of(text: str) -> list[str]:
    """The words of a Chinese text, long ones with their parts; jieba is loaded when it is first needed."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    return [word for one in jieba.cut_for_search(text.lower()) if (word := one.strip()) and word.isalnum()]


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Everything published, as it was when ``mark`` was true."""

    mark: tuple[Any, ...]
    articles: dict[int, ArticleView]
    index: search.Index


_shelves: dict[int, _Shelf] = {}
_lock = threading.Lock()


def articles(viewer: Viewer, group_id: int) -> list[ArticleView]:
    """Every article in its newest version, for those who write them. Raises NotAllowed."""
    require(viewer, HANDLE)
    return _views(Article.objects.filter(group_id=group_id))


def search_articles(
    viewer: Viewer, group_id: int, q: str, *, limit: int = FOUND_MAX, skill: str = ""
) -> list[ArticleView]:
    """Published articles that fit, the best first: by words, or by their sound when pinyin is typed; all without a query.

    Members find what is for members. Raises NotAllowed.
    """
    require(viewer, PUBLIC)
    shelf = _shelf(group_id)
    readable = {
        pk: one
        for pk, one in shelf.articles.items()
        if (one.for_members or viewer.kind != "member") and (not skill or one.skill == skill)
    }
    q = q.strip()
    if not q:
        return sorted(readable.values(), key=lambda one: (one.skill, -one.helped, one.code))[:limit]
    if search.is_pinyin(q):
        heard = [
            one
            for one in readable.values()
            if any(search.sounds_like(q, text) for text in (one.title, *one.questions))
        ]
        if heard:
            return heard[:limit]
    found = search.search(shelf.index, words_of(q), limit=FOUND_MAX * 3)
    return [_scored(readable[pk], score) for pk, score in found if pk in readable][:limit]


def _scored(one: ArticleView, score: float) -> ArticleView:
    values = {name: getattr(one, name) for name in one.__slots__}
    return ArticleView(**values | {"score": score})


def _shelf(group_id: int) -> _Shelf:
    rows = Article.objects.filter(group_id=group_id, state="published")
    state = rows.aggregate(many=Count("id"), newest=Max("changed_at"))
    mark = (state["many"], state["newest"])
    shelf = _shelves.get(group_id)
    if shelf is None or shelf.mark != mark:
        with _lock:
            found = {one.id: one for one in _views(rows)}
            index = search.build((pk, _words(one)) for pk, one in found.items())
            shelf = _shelves[group_id] = _Shelf(mark, found, index)
    return shelf


def _words(one: ArticleView) -> list[str]:
    """What an article is found by; its title and the questions it answers weigh more."""
    title = words_of(one.title) * search.TITLE_WEIGHT
    asked = [word for text in one.questions for word in words_of(text)] * search.QUESTION_WEIGHT
    return title + asked + words_of(one.body)


def article(viewer: Viewer, group_id: int, code: str) -> ArticleView:
    """One article; members read what is published for them. Raises NotFound, NotAllowed."""
    require(viewer, PUBLIC)
    rows = Article.objects.filter(group_id=group_id, code=code)
    if viewer.kind != "system" and not viewer.may(HANDLE):
        rows = rows.filter(state="published", for_members=True)
    found = _views(rows)
    if not found:
        raise NotFound
    return found[0]


def article_versions(viewer: Viewer, article_id: int) -> list[ArticleVersion]:
    """Newest first. Raises NotAllowed."""
    require(viewer, HANDLE)
    return list(ArticleVersion.objects.filter(article_id=article_id).order_by("-version"))


def _views(rows: Any) -> list[ArticleView]:
    kept = list(rows.order_by("skill", "code"))
    said = {
        (one.article_id, one.version): one
        for one in ArticleVersion.objects.filter(article_id__in=[row.pk for row in kept])
    }
    return [
        ArticleView(
            row.pk,
            row.code,
            row.skill,
            row.state,
            row.for_members,
            row.version,
            said[row.pk, row.version].title,
            said[row.pk, row.version].body,
            tuple(said[row.pk, row.version].questions),
            row.helped,
            row.not_helped,
            said[row.pk, row.version].written_at,
            said[row.pk, row.version].written_by,
        )
        for row in kept
    ]
