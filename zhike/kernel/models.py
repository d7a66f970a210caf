"""The kernel's own tables. Most are written by SQL in the modules of the same name, not through the ORM."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from zhike.kernel.fields import SnapshotField, TransactionIdField


class Event(models.Model):
    """One row of the log. Range-partitioned by month of `recorded_at`, insert-only (trigger)."""

    position = models.BigAutoField(primary_key=True)
    xid = TransactionIdField(editable=False)
    id = models.UUIDField()
    source = models.TextField()
    type = models.TextField()
    subject = models.TextField()
    actor = models.TextField(db_default="")
    time = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    data = models.JSONField()

    class Meta:
        db_table = "kernel_event"
        indexes = [
            models.Index(fields=["xid"], name="kernel_event_xid"),
            models.Index(fields=["subject", "-time"], name="kernel_event_subject_time"),
            models.Index(fields=["type", "position"], name="kernel_event_type_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.type} {self.subject}"


class EventCursor(models.Model):
    """How far a consumer has read: all that `from_snapshot` sees, and what `to_snapshot` sees more up to `position`."""

    consumer = models.TextField(primary_key=True)
    from_snapshot = SnapshotField()
    to_snapshot = SnapshotField(null=True)
    position = models.BigIntegerField(db_default=0)
    handled = models.BigIntegerField(db_default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "kernel_event_cursor"

    def __str__(self) -> str:
        return self.consumer


class EventHome(models.Model):
    """The one row that tells which PostgreSQL server the log's transaction ids are of."""

    system_identifier = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "kernel_event_home"

    def __str__(self) -> str:
        return str(self.system_identifier)


class ParkedEvent(models.Model):
    """An event that one consumer could not handle. The others went on."""

    class Status(models.TextChoices):
        PARKED = "parked", _("Parked")
        REPLAYED = "replayed", _("Replayed")
        DISCARDED = "discarded", _("Discarded")

    consumer = models.TextField()
    position = models.BigIntegerField()
    event_id = models.UUIDField()
    event_type = models.TextField()
    subject = models.TextField()
    error = models.TextField()
    traceback = models.TextField()
    tries = models.PositiveSmallIntegerField()
    status = models.TextField(choices=Status.choices, db_default=Status.PARKED)
    parked_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "kernel_parked_event"
        constraints = [
            models.UniqueConstraint(fields=["consumer", "position"], name="kernel_parked_event_once"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="kernel_parked_event_status"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.position}"


class AuditEntry(models.Model):
    """Who did what to what, and why. Insert-only (trigger). Personal data only masked."""

    at = models.DateTimeField()
    actor = models.TextField()
    actor_label = models.TextField()
    action = models.TextField()
    subject_kind = models.TextField()
    subject_id = models.TextField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(db_default="")
    request_id = models.TextField(db_default="")

    class Meta:
        db_table = "kernel_audit"
        indexes = [
            models.Index(fields=["-at", "-id"], name="kernel_audit_at"),
            models.Index(fields=["subject_kind", "subject_id", "-at"], name="kernel_audit_subject"),
            models.Index(fields=["actor", "-at"], name="kernel_audit_actor"),
            models.Index(fields=["action", "-at"], name="kernel_audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject_kind}/{self.subject_id}"


class IdempotencyRecord(models.Model):
    """The answer that was given to a key of one caller."""

    pk = models.CompositePrimaryKey("scope", "key")
    scope = models.TextField()
    key = models.TextField()
    request_hash = models.BinaryField()
    status = models.SmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "kernel_idempotency"
        indexes = [BrinIndex(fields=["created_at"], name="kernel_idempotency_created")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class RateWindow(models.Model):
    """Requests leased to processes in the current minute, by key. Unlogged: a crash forgets the minute."""

    key = models.TextField(primary_key=True)
    minute = models.BigIntegerField()
    leased = models.IntegerField()

    class Meta:
        db_table = "kernel_rate_window"

    def __str__(self) -> str:
        return self.key
