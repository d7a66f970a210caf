"""Conversation quality: checklists, the plan of a mall, what was drawn, how it was judged."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class QualityChecklist(models.Model):
    """质检表. ``skills`` and ``channels`` say for which conversations it is; nothing named: for all that no other one names."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    skills = ArrayField(models.CharField(max_length=20), default=list)
    channels = ArrayField(models.CharField(max_length=12), default=list)
    is_open = models.BooleanField(default=True)
    version = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="quality_checklist_code")]


class QualityChecklistVersion(models.Model):
    """What is looked at, from ``published_at`` on. Never edited: a review keeps the version it was made with."""

    checklist = models.ForeignKey(
        "service.QualityChecklist", models.PROTECT, related_name="+", db_index=False
    )
    version = models.IntegerField()
    items = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checklist", "version"], name="quality_version_unique")
        ]


class QualityPlan(models.Model):
    """抽检计划 of a mall, by version. ``reviewers`` is a list of [staff, how many a week]."""

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    version = models.IntegerField()
    percent = models.SmallIntegerField()
    at_least = models.SmallIntegerField()
    double_percent = models.SmallIntegerField()
    always = ArrayField(models.CharField(max_length=12))
    vip_rank = models.SmallIntegerField(default=3)
    answer_within_s = models.IntegerField(default=180)
    appeal_days = models.SmallIntegerField()
    reviewers = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mall", "version"], name="quality_plan_version")]


class QualityDraw(models.Model):
    """One week of a mall, drawn once when it is over; the seed is made then and never before."""

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey("service.QualityPlan", models.PROTECT, related_name="+")
    week = models.DateField()
    seed = models.CharField(max_length=40)
    population = models.IntegerField()
    drawn_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mall", "week"], name="quality_draw_once")]


class QualityPick(models.Model):
    """A conversation that is looked at. ``score`` is what holds now, in tenths of a percent: the first review's, or the appeal's."""

    conversation = models.OneToOneField("service.Conversation", models.CASCADE, related_name="+")
    draw = models.ForeignKey("service.QualityDraw", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    agent = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    skill = models.CharField(max_length=20, blank=True)
    week = models.DateField()
    reasons = ArrayField(models.CharField(max_length=12))
    checklist = models.ForeignKey("service.QualityChecklistVersion", models.PROTECT, related_name="+")
    first = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    second = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    is_double = models.BooleanField(default=False)
    picked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    score = models.SmallIntegerField(null=True)
    is_fatal = models.BooleanField(default=False)
    appealed_at = models.DateTimeField(null=True)
    appeal = models.CharField(max_length=600, blank=True)
    appeal_until = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=8, blank=True)
    decision = models.CharField(max_length=600, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(second=None) | ~Q(second=models.F("first")), name="quality_two_people"
            )
        ]
        indexes = [
            models.Index(fields=["mall", "-week", "-id"], name="quality_pick_week"),
            models.Index(fields=["mall", "id"], condition=Q(done_at=None), name="quality_pick_waiting"),
            models.Index(
                fields=["mall", "appealed_at"],
                condition=Q(appealed_at__isnull=False, decided_at=None),
                name="quality_pick_appealed",
            ),
        ]


class QualityReview(models.Model):
    """What somebody found, by version: written anew it is a new row, the old one stays."""

    pick = models.ForeignKey("service.QualityPick", models.CASCADE, related_name="+", db_index=False)
    seat = models.CharField(max_length=6)
    version = models.IntegerField()
    reviewer = models.ForeignKey("organization.Staff", models.PROTECT, related_name="+", db_index=False)
    answers = models.JSONField()
    notes = models.JSONField(default=dict)
    quotes = models.JSONField(default=dict)
    comment = models.CharField(max_length=600, blank=True)
    score = models.SmallIntegerField()
    sections = models.JSONField()
    is_fatal = models.BooleanField(default=False)
    reviewed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pick", "seat", "version"], name="quality_review_version"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1000), name="quality_score_range"),
        ]


class CoachingNote(models.Model):
    """辅导记录: what was agreed with somebody of the desk; they say when they have read it."""

    staff = models.ForeignKey("organization.Staff", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    pick = models.ForeignKey("service.QualityPick", models.SET_NULL, null=True, related_name="+")
    text = models.CharField(max_length=1000)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    author = models.CharField(max_length=80)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["staff", "-written_at"], name="coaching_newest")]
