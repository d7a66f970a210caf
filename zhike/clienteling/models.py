from __future__ import annotations

from django.db import models
from django.db.models import Q


class ReminderPolicy(models.Model):
    """The reminder rules of a mall, a version a row; the newest holds. ``terms`` as ``rules.reminders`` reads them."""

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    version = models.IntegerField()
    terms = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mall", "version"], name="reminder_policy_version"),
        ]


class FollowUp(models.Model):
    """One reason to turn to a member: shown from ``due_on``, in time until ``last_on`` (days of the mall).

    ``key`` is what makes the reason this one and no other: a year's birthday, a purchase, a ticket's number. ``facts`` are
    the figures of its sentence. ``ended_by_staff`` did or skipped it; a reason that went by itself has nobody.
    """

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        SKIPPED = "skipped"
        SETTLED = "settled"
        LAPSED = "lapsed"

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=60)
    facts = models.JSONField(default=dict)
    due_on = models.DateField()
    last_on = models.DateField()
    snoozed_until = models.DateField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    ended_at = models.DateTimeField(null=True)
    ended_on = models.DateField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    ended_by_staff = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind", "key"], name="follow_up_once"),
            models.CheckConstraint(condition=Q(last_on__gte=models.F("due_on")), name="follow_up_days"),
            models.CheckConstraint(
                condition=Q(state="open", ended_at=None) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="follow_up_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "due_on"], condition=Q(state="open"), name="follow_up_open"),
            models.Index(fields=["mall", "last_on"], condition=Q(state="open"), name="follow_up_mall"),
            models.Index(
                fields=["ended_by_staff", "ended_on"],
                condition=Q(ended_by_staff__isnull=False),
                name="follow_up_by_staff",
            ),
        ]


class Contact(models.Model):
    """A call, message or talk that took place; ``note`` is encrypted. ``began_by_member``: they came or called."""

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10)
    result = models.CharField(max_length=16)
    began_by_member = models.BooleanField(default=False)
    note = models.BinaryField(null=True)
    follow_up = models.ForeignKey("clienteling.FollowUp", models.PROTECT, null=True, related_name="+")
    happened_at = models.DateTimeField()
    staff = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    by = models.CharField(max_length=80)

    class Meta:
        indexes = [
            models.Index(fields=["person", "-happened_at", "-id"], name="contact_person"),
            models.Index(fields=["staff", "happened_at"], name="contact_staff"),
        ]


class Note(models.Model):
    """What somebody heard of a member, encrypted; ``source`` is typed or voice (a transcript that was pasted)."""

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    text = models.BinaryField()
    source = models.CharField(max_length=8)
    written_at = models.DateTimeField()
    staff = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    by = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["person", "-written_at", "-id"], name="care_note_person")]


class Proposal(models.Model):
    """A tag that a sentence of a note speaks for. ``tag`` is one that exists; otherwise ``words`` are a wish for one.

    ``begin`` and ``end`` mark the sentence in the note's text; ``why`` is the word that spoke for it.
    """

    class State(models.TextChoices):
        OPEN = "open"
        CONFIRMED = "confirmed"
        REJECTED = "rejected"

    note = models.ForeignKey("clienteling.Note", models.PROTECT, related_name="+")
    tag = models.ForeignKey("insight.Tag", models.PROTECT, null=True, related_name="+")
    words = models.CharField(max_length=60)
    why = models.CharField(max_length=60)
    begin = models.IntegerField()
    end = models.IntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["note", "words"], name="proposal_once"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None) | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="proposal_decided",
            ),
        ]
