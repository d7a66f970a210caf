"""Who is told of alerts, in which order and how; and who was."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class AlertContact(models.Model):
    """How one of us is told. ``address`` is encrypted; ``is_off``: no messages. Quiet hours are in the mall's time."""

    staff = models.OneToOneField("organization.Staff", models.CASCADE, related_name="+", primary_key=True)
    channel = models.CharField(max_length=10)
    address = models.BinaryField()
    masked = models.CharField(max_length=120)
    is_off = models.BooleanField(default=False)
    absent_until = models.DateTimeField(null=True)
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    changed_at = models.DateTimeField()


class AlertChain(models.Model):
    """In which order those with a role in a mall are told, and after how many minutes the next one is."""

    mall = models.ForeignKey("organization.Mall", models.CASCADE, related_name="+", db_index=False)
    role = models.CharField(max_length=40)
    staff_ids = ArrayField(models.BigIntegerField(), default=list)
    patience = models.SmallIntegerField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mall", "role"], name="alert_chain_unique"),
            models.CheckConstraint(condition=models.Q(patience__gt=0), name="alert_chain_patience"),
        ]


class AlertNotice(models.Model):
    """One of us was told of an alert, once. Several alerts of one moment are one message."""

    alert = models.ForeignKey("service.Alert", models.CASCADE, related_name="+", db_index=False)
    staff = models.ForeignKey("organization.Staff", models.CASCADE, related_name="+")
    message_id = models.BigIntegerField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "staff"], name="alert_notice_once")]
        indexes = [models.Index(fields=["-told_at", "-id"], name="alert_notice_newest")]
