"""Conversations as they happen: who writes with whom, what was said, who is there to answer."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Conversation(models.Model):
    """会话. Its messages are numbered without a gap; the marks say up to which number each side has received and read.

    ``subject`` and ``skill`` are codes (a skill says who can answer), ``rank`` puts higher tiers in front. ``handover``
    holds what the bot understood before it handed over, ``bot_state`` where it stands in a job: codes only, no words of the
    member.
    """

    class Status(models.TextChoices):
        BOT = "bot"
        QUEUED = "queued"
        OPEN = "open"
        SNOOZED = "snoozed"
        CLOSED = "closed"

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+", db_index=False)
    number = models.CharField(max_length=24, unique=True)
    channel = models.CharField(max_length=12)
    status = models.CharField(max_length=8, choices=Status.choices)
    subject = models.CharField(max_length=40, blank=True)
    skill = models.CharField(max_length=20, blank=True)
    rank = models.SmallIntegerField(default=0)
    handover = models.JSONField(default=dict)
    bot_state = models.JSONField(default=dict)
    assignee = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    ticket = models.ForeignKey("service.Ticket", models.PROTECT, null=True, related_name="+")
    last_number = models.IntegerField(default=0)
    member_received = models.IntegerField(default=0)
    member_read = models.IntegerField(default=0)
    staff_read = models.IntegerField(default=0)
    awaits_us = models.BooleanField(default=False)
    bot_answers = models.SmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True)
    assigned_at = models.DateTimeField(null=True)
    first_answered_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=8, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "mall", "channel"],
                condition=~Q(status="closed") & ~Q(channel="email"),
                name="conversation_one_live",
            ),
            models.CheckConstraint(
                condition=~Q(status="closed") | Q(closed_at__isnull=False), name="conversation_closed_at"
            ),
            models.CheckConstraint(
                condition=~Q(status="open") | Q(assignee__isnull=False), name="conversation_open_assigned"
            ),
        ]
        indexes = [
            models.Index(fields=["mall", "status", "-changed_at", "-id"], name="conversation_mall_status"),
            models.Index(fields=["mall", "-changed_at", "-id"], name="conversation_mall_newest"),
            models.Index(fields=["person", "-id"], name="conversation_person"),
            models.Index(
                fields=["mall", "-rank", "queued_at", "id"],
                condition=Q(status="queued"),
                name="conversation_queue",
            ),
            models.Index(
                fields=["snoozed_until"], condition=Q(status="snoozed"), name="conversation_snoozed"
            ),
        ]


class Message(models.Model):
    """Something said in a conversation; ``body`` is encrypted. ``audience``: member (everybody) or staff.

    ``folded`` (encrypted) is what an e-mail carried below its own words: what it quoted, the signature.
    ``key`` is made by whoever writes, before it is sent: sent again, it is the same message.
    """

    id = models.UUIDField(primary_key=True)
    conversation = models.ForeignKey("service.Conversation", models.CASCADE, related_name="+", db_index=False)
    number = models.IntegerField()
    key = models.UUIDField(null=True)
    kind = models.CharField(max_length=8)
    audience = models.CharField(max_length=6)
    author_kind = models.CharField(max_length=8)
    author = models.CharField(max_length=80, blank=True)
    author_id = models.BigIntegerField(null=True)
    body = models.BinaryField()
    folded = models.BinaryField(null=True)
    details = models.JSONField(default=dict)
    written_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "number"], name="message_number_unique"),
            models.UniqueConstraint(fields=["conversation", "key"], name="message_key_unique"),
        ]


class MessageFile(models.Model):
    """A file of a message; ``content_type`` is what its bytes say, ``path`` where it lies below the uploads."""

    message = models.ForeignKey("service.Message", models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=40)
    size = models.IntegerField()
    digest = models.BinaryField()
    path = models.CharField(max_length=80)


class Mention(models.Model):
    """A colleague was called by name in a note."""

    conversation = models.ForeignKey("service.Conversation", models.CASCADE, related_name="+", db_index=False)
    staff = models.ForeignKey("organization.Staff", models.CASCADE, related_name="+", db_index=False)
    number = models.IntegerField()
    mentioned_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "number", "staff"], name="mention_unique")
        ]
        indexes = [
            models.Index(fields=["staff", "-id"], condition=Q(seen_at=None), name="mention_unseen"),
        ]


class Looking(models.Model):
    """Somebody of ours has this conversation open; renewed while the page is there."""

    conversation = models.ForeignKey("service.Conversation", models.CASCADE, related_name="+", db_index=False)
    staff = models.ForeignKey("organization.Staff", models.CASCADE, related_name="+", db_index=False)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "staff"], name="looking_unique")]


class Agent(models.Model):
    """座席: whether somebody takes conversations now, which ones, and how many at a time.

    ``seen_at`` is the last sign of the inbox; without one for a while the agent counts as away.
    """

    class State(models.TextChoices):
        AVAILABLE = "available"
        BUSY = "busy"
        AWAY = "away"

    staff = models.OneToOneField("organization.Staff", models.CASCADE, related_name="+", primary_key=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.AWAY)
    skills = ArrayField(models.CharField(max_length=20), default=list)
    places = models.SmallIntegerField(default=5)
    seen_at = models.DateTimeField(null=True)
    assigned_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(places__gt=0, places__lte=50), name="agent_places")]


class Phrase(models.Model):
    """快捷回复: an answer written beforehand, with gaps such as {member} that are filled when it is used."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=40)
    title = models.CharField(max_length=80)
    text = models.TextField()
    uses = models.IntegerField(default=0)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="phrase_code_unique")]
