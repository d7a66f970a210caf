"""Ways in that are not ours: mailboxes and accounts through which customers write and are answered."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Line(models.Model):
    """接入渠道: one door of a mall, such as a mailbox. ``settings`` and ``secret`` (encrypted) by the names of its vendor's fields.

    ``mark`` says up to where it has been read; it moves in the transaction that keeps what was read. ``account`` is the
    account with a vendor of messages that this door belongs to, where there is one.
    """

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    channel = models.CharField(max_length=12)
    name = models.CharField(max_length=60)
    settings = models.JSONField(default=dict)
    secret = models.BinaryField()
    account = models.ForeignKey("messaging.ChannelAccount", models.PROTECT, null=True, related_name="+")
    is_active = models.BooleanField(default=True)
    has_bot = models.BooleanField(default=False)
    skill = models.CharField(max_length=20, blank=True)
    mark = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    failures = models.SmallIntegerField(default=0)
    fault = models.CharField(max_length=120, blank=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mall", "name"], name="line_name_unique"),
            models.UniqueConstraint(fields=["account"], name="line_account_unique"),
        ]


class Contact(models.Model):
    """Who is at the other end of a conversation that came through a line: where answers go, and what the matter is called. Its id is
    the conversation's.

    ``thread`` are the names of its last messages at the vendor, ours among them (encrypted, as address and title are).
    ``heard_at`` is when they last wrote and ``answers`` how often we have since: some vendors let us answer only for a time.
    ``is_proven``: the vendor vouches for the sender of what was written last.
    """

    id = models.BigIntegerField(primary_key=True)
    conversation = models.OneToOneField("service.Conversation", models.CASCADE, related_name="+")
    line = models.ForeignKey("service.Line", models.PROTECT, related_name="+", db_index=False)
    address = models.BinaryField()
    index = models.BinaryField()
    masked = models.CharField(max_length=120)
    title = models.BinaryField()
    thread = models.BinaryField()
    heard_at = models.DateTimeField()
    answers = models.SmallIntegerField(default=0)
    is_proven = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["line", "index"], name="contact_line_index")]


class Heard(models.Model):
    """Something that came in through a line, by the fingerprint of what names it there: what came before is not taken again.

    ``what``: message, automatic, bounce, own or failed. ``number`` is that of the message it became, ``media`` what is still to be
    fetched for it.
    """

    line = models.ForeignKey("service.Line", models.PROTECT, related_name="+", db_index=False)
    key = models.BinaryField()
    what = models.CharField(max_length=10)
    conversation = models.ForeignKey("service.Conversation", models.CASCADE, null=True, related_name="+")
    number = models.IntegerField(default=0)
    media = models.CharField(max_length=120, blank=True)
    tries = models.SmallIntegerField(default=0)
    heard_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "key"], name="heard_once")]
        indexes = [models.Index(fields=["heard_at"], condition=~Q(media=""), name="heard_media")]


class Carriage(models.Model):
    """An answer of ours on its way out through a line. ``reference`` is its name at the vendor, given before it leaves.

    waiting → sending → sent, failed or unsure (the call ended without an answer); a sent one may come back (bounced). ``due_at`` of one
    being sent is when whoever sends it must be dead.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        UNSURE = "unsure"
        FAILED = "failed"
        BOUNCED = "bounced"

    line = models.ForeignKey("service.Line", models.PROTECT, related_name="+", db_index=False)
    conversation = models.ForeignKey("service.Conversation", models.CASCADE, related_name="+", db_index=False)
    number = models.IntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    reference = models.CharField(max_length=200)
    tries = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField()
    code = models.CharField(max_length=60, blank=True)
    text = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "number"], name="carriage_once"),
            models.UniqueConstraint(fields=["line", "reference"], name="carriage_reference"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status__in=("waiting", "sending")), name="carriage_due"
            )
        ]
