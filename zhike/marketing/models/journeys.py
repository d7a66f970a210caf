from __future__ import annotations

from django.db import models
from django.db.models import Q


class Journey(models.Model):
    """旅程: people enter when something happens, and walk the graph of the version that was live then.

    ``live`` is the version that people enter now. ``launched_by`` (empty: the program) is in whose scope they are looked up.
    ``looked``, ``looked_at``, ``seen``: how often and when its segment was looked at, and the members it had (a roaring bitmap);
    ``looked_on`` is the last day of a dated trigger.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        PAUSED = "paused"
        CLOSING = "closing"
        ENDED = "ended"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=80)
    theme = models.CharField(max_length=500, blank=True)
    template = models.CharField(max_length=30, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    live = models.ForeignKey(
        "marketing.JourneyVersion", models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    launched_by = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    looked = models.IntegerField(default=0)
    looked_at = models.DateTimeField(null=True)
    looked_on = models.DateField(null=True)
    seen = models.BinaryField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="journey_newest"),
            models.Index(
                fields=["status"],
                condition=Q(status__in=["running", "paused", "closing"]),
                name="journey_at_work",
            ),
        ]


class JourneyVersion(models.Model):
    """A graph with its settings; never changed again once it was live. ``revision`` grows with every edit of a draft."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        SUBMITTED = "submitted"
        APPROVED = "approved"
        LIVE = "live"
        RETIRED = "retired"

    journey = models.ForeignKey("marketing.Journey", models.CASCADE, related_name="+", db_index=False)
    number = models.IntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    definition = models.JSONField()
    revision = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    edited_by = models.CharField(max_length=80)
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)
    live_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journey", "number"], name="journey_version_number"),
            models.UniqueConstraint(
                fields=["journey"],
                condition=Q(status__in=["draft", "submitted", "approved"]),
                name="journey_one_draft",
            ),
            models.UniqueConstraint(fields=["journey"], condition=Q(status="live"), name="journey_one_live"),
        ]


class JourneyEntry(models.Model):
    """One walk of a person through a version; ``number`` counts a person's walks of a journey.

    ``arm`` is walk, holdout or global; whoever is held walks nowhere and is measured. ``node`` is where they stand since ``since``,
    ``is_resting`` when they wait there until ``due_at``, for ``waits_for`` if it names an event; ``signal`` when that happened.
    ``visit`` counts the steps taken. ``once`` is what entered them, so that it enters them once; ``cause`` is that in a few words.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        HELD = "held"
        DONE = "done"

    id = models.BigAutoField(primary_key=True)
    journey = models.ForeignKey("marketing.Journey", models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey("marketing.JourneyVersion", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+", db_index=False)
    member_id = models.BigIntegerField()
    number = models.IntegerField()
    arm = models.CharField(max_length=8)
    state = models.CharField(max_length=6, choices=State.choices)
    node = models.CharField(max_length=8, blank=True)
    since = models.DateTimeField()
    is_resting = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True)
    waits_for = models.CharField(max_length=80, blank=True)
    signal = models.BooleanField(default=False)
    visit = models.IntegerField(default=0)
    once = models.CharField(max_length=80)
    cause = models.CharField(max_length=120, blank=True)
    entered_at = models.DateTimeField()
    goal_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=8, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journey", "person", "number"], name="journey_entry_number"),
            models.UniqueConstraint(fields=["journey", "once"], name="journey_entry_once"),
        ]
        indexes = [
            models.Index(fields=["version", "due_at"], condition=Q(state="active"), name="journey_entry_due"),
            models.Index(fields=["version", "node"], condition=Q(state="active"), name="journey_entry_at"),
            models.Index(fields=["person", "journey"], name="journey_entry_person"),
            models.Index(fields=["journey", "-id"], name="journey_entry_newest"),
        ]


class JourneyStep(models.Model):
    """One node left by one person, once: the key is the walk and its count of steps. ``reason`` says why something was refused."""

    pk = models.CompositePrimaryKey("entry_id", "visit")
    entry = models.ForeignKey("marketing.JourneyEntry", models.CASCADE, related_name="+", db_index=False)
    visit = models.IntegerField()
    node = models.CharField(max_length=8)
    outcome = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()


class JourneyCount(models.Model):
    """How many left a node of a version by an outcome, and why; adds up to the steps, and can be counted again from them."""

    version = models.ForeignKey("marketing.JourneyVersion", models.CASCADE, related_name="+", db_index=False)
    node = models.CharField(max_length=8)
    outcome = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "node", "outcome", "reason"], name="journey_count_key")
        ]


class JourneyMeasure(models.Model):
    """What had been measured by a day: sums by arm, from which every figure of the results follows."""

    journey = models.ForeignKey("marketing.Journey", models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    sums = models.JSONField()
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["journey", "day"], name="journey_measure_day")]
