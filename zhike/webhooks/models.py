from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Endpoint(models.Model):
    """An address that is told. How far it was told is the cursor ``webhook:<id>`` of the event log.

    ``types`` empty means all. ``tries`` of the event at its head failed so far; the next try is at ``next_try_at``. Whoever
    sends holds the lease until ``leased_until``.
    """

    name = models.CharField(max_length=60, unique=True)
    url = models.CharField(max_length=500)
    types = ArrayField(models.CharField(max_length=100), default=list)
    is_active = models.BooleanField(default=True)
    stopped_because = models.CharField(max_length=20, blank=True)
    tries = models.IntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)


class EndpointSecret(models.Model):
    """One secret, encrypted; after a rotation the older one signs along until ``expires_at``."""

    endpoint = models.ForeignKey("webhooks.Endpoint", models.CASCADE, related_name="+")
    value = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)


class Attempt(models.Model):
    """One request that was sent, kept for a week. ``status`` 0: there was no answer, ``error`` says why."""

    endpoint = models.ForeignKey("webhooks.Endpoint", models.CASCADE, related_name="+", db_index=False)
    position = models.BigIntegerField()
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=100)
    number = models.IntegerField()
    status = models.IntegerField()
    error = models.CharField(max_length=200, blank=True)
    took_ms = models.IntegerField()
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["endpoint", "-id"], name="webhooks_attempt_latest")]


class DeadLetter(models.Model):
    """An event that an endpoint did not take; ``waiting`` ones are tried once more."""

    class Status(models.TextChoices):
        OPEN = "open"
        WAITING = "waiting"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    endpoint = models.ForeignKey("webhooks.Endpoint", models.CASCADE, related_name="+", db_index=False)
    position = models.BigIntegerField()
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=100)
    tries = models.IntegerField()
    error = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    died_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "position"], name="webhooks_dead_letter_once")
        ]
        indexes = [models.Index(fields=["endpoint", "status", "id"], name="webhooks_dead_letter_status")]
