from __future__ import annotations

from django.db import models


class OutboundMessage(models.Model):
    """One message to one recipient. ``recipient`` and ``body`` are encrypted; ``masked`` is what anyone may see."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=10)
    purpose = models.CharField(max_length=20)
    template = models.CharField(max_length=60)
    recipient = models.BinaryField()
    masked = models.CharField(max_length=120)
    body = models.BinaryField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="outbound_newest")]


class OneTimeCode(models.Model):
    """A code sent to prove possession of a phone; ``digest`` is keyed and bound to phone and purpose."""

    index = models.BinaryField()
    purpose = models.CharField(max_length=20)
    digest = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["index", "purpose", "-created_at"], name="one_time_code_latest")]
