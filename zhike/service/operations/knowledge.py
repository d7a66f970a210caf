"""Writing down what we know, in versions, and hearing whether it helped."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid, NotFound
from zhike.service.models import Article, ArticleVersion, ArticleVote
from zhike.service.operations._tickets import HANDLE
from zhike.service.queries import calendars
from zhike.service.queries import knowledge as queries
from zhike.service.rules import conversations

MANAGE = "tickets.manage"
TITLE_MAX, BODY_MAX, QUESTIONS_MAX = 120, 4_000, 30
_CODE = re.compile(r"[a-z0-9_]{2,40}")


class ArticleInvalid(Invalid):
    code = "article-invalid"
    title = _(
        "An article needs a code of small letters, a subject, a title and a text of up to 4,000 characters."
    )


@transaction.atomic
def save_article(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    skill: str,
    title: str,
    body: str,
    questions: Sequence[str] = (),
    for_members: bool = True,
    now: dt.datetime,
) -> int:
    """A new version, which readers see once it is published; the row of the article. The same words make no version.

    Raises ArticleInvalid, NotAllowed.
    """
    require(actor, HANDLE)
    title, body = title.strip(), body.strip()
    asked = [text for one in questions if (text := one.strip())]
    is_fine = _CODE.fullmatch(code) and 0 < len(title) <= TITLE_MAX and 0 < len(body) <= BODY_MAX
    too_much = len(asked) > QUESTIONS_MAX or any(len(text) > TITLE_MAX for text in asked)
    if not is_fine or too_much or skill not in conversations.SKILLS:
        raise ArticleInvalid
    row = Article.objects.select_for_update().filter(group_id=group_id, code=code).first()
    if row is None:
        row = Article(group_id=group_id, code=code, version=0)
    last = ArticleVersion.objects.filter(article_id=row.pk or 0, version=row.version).first()
    row.skill, row.for_members, row.changed_at = skill, for_members, now
    if last is None or (last.title, last.body, last.questions) != (title, body, asked):
        row.version += 1
        row.save()
        ArticleVersion.objects.create(
            article=row,
            version=row.version,
            title=title,
            body=body,
            questions=asked,
            written_at=now,
            written_by=actor.label,
        )
    else:
        row.save()
    _audit(actor, row, "save", now)
    return row.pk


@transaction.atomic
def set_article_state(*, actor: Viewer, group_id: int, code: str, state: str, now: dt.datetime) -> None:
    """Publish an article, take it back to draft, or retire it. Raises ArticleInvalid, NotFound, NotAllowed."""
    require(actor, MANAGE)
    if state not in Article.State.values:
        raise ArticleInvalid
    row = Article.objects.select_for_update().filter(group_id=group_id, code=code).first()
    if row is None:
        raise NotFound
    row.state, row.changed_at = state, now
    row.save(update_fields=["state", "changed_at"])
    _audit(actor, row, state, now)


@transaction.atomic
def rate_article(*, actor: Viewer, group_id: int, code: str, is_helpful: bool, now: dt.datetime) -> None:
    """Whether it helped; one voice each, the last word counts. Raises NotFound, NotAllowed."""
    shown = queries.article(actor, group_id, code)
    row = Article.objects.select_for_update().get(pk=shown.id)
    ArticleVote.objects.update_or_create(
        article=row, reader=actor.audit_id, defaults={"is_helpful": is_helpful, "said_at": now}
    )
    votes = ArticleVote.objects.filter(article=row).aggregate(
        helped=Count("id", filter=Q(is_helpful=True)), not_helped=Count("id", filter=Q(is_helpful=False))
    )
    row.helped, row.not_helped = votes["helped"], votes["not_helped"]
    row.save(update_fields=["helped", "not_helped"])


def found_knowledge(*, actor: Viewer, group_id: int, now: dt.datetime) -> int:
    """Write and publish the usual articles that are missing; how many. Raises NotAllowed."""
    known = set(Article.objects.filter(group_id=group_id).values_list("code", flat=True))
    made = 0
    for one in json.loads((calendars.SHIPPED / "articles_zh.json").read_text("utf-8")):
        if one["code"] not in known:
            with transaction.atomic():
                save_article(actor=actor, group_id=group_id, now=now, **one)
                set_article_state(
                    actor=actor, group_id=group_id, code=one["code"], state="published", now=now
                )
            made += 1
    return made


def _audit(actor: Viewer, row: Article, what: str, now: dt.datetime) -> None:
    audit.record(
        actor=actor,
        action=f"article.{what}",
        subject=("article", row.pk),
        after={"code": row.code, "version": row.version, "state": row.state},
        now=now,
    )
