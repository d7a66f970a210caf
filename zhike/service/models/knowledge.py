"""What we know and tell: articles in versions, and whether they helped. And what the assistant has learnt."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Article(models.Model):
    """知识. ``code`` is stable; ``version`` is the newest one, which is what readers see while it is published."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        RETIRED = "retired"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=40)
    skill = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    for_members = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    helped = models.IntegerField(default=0)
    not_helped = models.IntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="article_code_unique")]


class ArticleVersion(models.Model):
    """What an article said from ``written_at`` on. Never edited. ``questions`` are other ways to ask for it."""

    article = models.ForeignKey("service.Article", models.CASCADE, related_name="+", db_index=False)
    version = models.IntegerField()
    title = models.CharField(max_length=120)
    body = models.TextField()
    questions = ArrayField(models.CharField(max_length=120), default=list)
    written_at = models.DateTimeField()
    written_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "version"], name="article_version_unique")]


class ArticleVote(models.Model):
    """Whether a version helped a reader; the last word of each counts."""

    article = models.ForeignKey("service.Article", models.CASCADE, related_name="+", db_index=False)
    reader = models.CharField(max_length=80)
    is_helpful = models.BooleanField()
    said_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["article", "reader"], name="article_vote_unique")]


class TrainedModel(models.Model):
    """``digest`` is of all it learnt from, so the same set is learnt once."""

    digest = models.CharField(max_length=64, unique=True)
    content = models.BinaryField()
    figures = models.JSONField()
    trained_at = models.DateTimeField()

    class Meta:
        abstract = True


class BotModel(TrainedModel):
    """A trained reader of intents."""


class BotExample(models.Model):
    """An utterance that one of us taught; ``text`` is encrypted, because members wrote it."""

    id = models.UUIDField(primary_key=True)
    intent = models.CharField(max_length=40)
    text = models.BinaryField()
    taught_at = models.DateTimeField()
    taught_by = models.CharField(max_length=80)


class BotMiss(models.Model):
    """A message the assistant did not dare to answer. ``guesses`` are (intent, probability)."""

    conversation = models.ForeignKey("service.Conversation", models.CASCADE, related_name="+", db_index=False)
    number = models.IntegerField()
    reason = models.CharField(max_length=12)
    guesses = models.JSONField(default=list)
    missed_at = models.DateTimeField()
    intent = models.CharField(max_length=40, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "number"], name="bot_miss_unique"),
        ]
        indexes = [models.Index(fields=["-id"], condition=Q(decided_at=None), name="bot_miss_open")]
