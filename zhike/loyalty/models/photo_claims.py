from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from zhike.kernel.ids import uuid7


class PhotoClaim(models.Model):
    """小票拍照积分: a member's photograph of a paper receipt, with what stands on it, and what became of it.

    ``given`` at once when the till sent the same receipt, else after staff looked at it; above the programme's
    ``photo_claim_second_fen`` two of them (``second`` waits for the other one). ``fingerprint`` finds the
    same picture again. ``suspicions`` are what spoke against it when it came, ``corrections`` what the reviewer changed:
    {field: before}. ``reading`` is what a reader of pictures saw, by field, with its certainty in percent. ``path`` is
    where the picture lies below the uploads; empty once its time is over.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        SECOND = "second"
        GIVEN = "given"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid7)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, related_name="+", db_index=False)
    till = models.CharField(max_length=40, blank=True)
    number = models.CharField(max_length=60)
    business_date = models.DateField()
    bought_at = models.TimeField(null=True)
    net_fen = models.BigIntegerField()
    path = models.CharField(max_length=80, blank=True)
    fingerprint = models.CharField(max_length=64)
    reading = models.JSONField(default=dict)
    suspicions = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices)
    corrections = models.JSONField(default=dict)
    handed_in_on = models.DateField()
    handed_in_at = models.DateTimeField()
    first_by = models.CharField(max_length=80, blank=True)
    first_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=300, blank=True)
    receipt = models.OneToOneField("sales.Receipt", models.PROTECT, null=True, related_name="+")
    points = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(net_fen__gt=0), name="photo_claim_amount_positive"),
            models.CheckConstraint(
                condition=Q(state="given", receipt__isnull=False) | (~Q(state="given") & Q(receipt=None)),
                name="photo_claim_given_has_receipt",
            ),
            models.CheckConstraint(
                condition=Q(first_by="")
                | Q(decided_by="")
                | ~Q(state="given")
                | ~Q(decided_by=F("first_by")),
                name="photo_claim_two_persons",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-handed_in_at", "-id"], name="photo_claim_member"),
            models.Index(fields=["merchant", "business_date", "number"], name="photo_claim_paper"),
            models.Index(fields=["mall", "-handed_in_at"], name="photo_claim_mall"),
            models.Index(
                fields=["handed_in_at", "id"],
                condition=Q(state__in=("waiting", "second")),
                name="photo_claim_queue",
            ),
        ]
