"""顾客原声: what people said in their own words, read for how content they are and what they speak of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from zhike.service.models.knowledge import TrainedModel


class VerbatimModel(TrainedModel):
    """A trained reader of sentiment and topics."""


class Verbatim(models.Model):
    """One comment: an answer's, a ticket's opening, or what a member wrote in one conversation. The words stay where they
    were said; this is only how they were read.

    ``topics`` is topic → sentiment. Once a person decided, theirs stands here and ``read_as`` keeps what the model said.
    ``digest`` is the model that read it, empty while there is none.
    """

    answer = models.OneToOneField("service.SurveyAnswer", models.CASCADE, null=True, related_name="+")
    ticket = models.OneToOneField("service.Ticket", models.CASCADE, null=True, related_name="+")
    conversation = models.OneToOneField("service.Conversation", models.CASCADE, null=True, related_name="+")
    source = models.CharField(max_length=6)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    said_at = models.DateTimeField()
    sentiment = models.CharField(max_length=8, blank=True)
    sureness = models.FloatField(default=0)
    topics = models.JSONField(default=dict)
    read_as = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source="answer", answer__isnull=False, ticket=None, conversation=None)
                | Q(source="ticket", ticket__isnull=False, answer=None, conversation=None)
                | Q(source="chat", conversation__isnull=False, answer=None, ticket=None),
                name="verbatim_one_source",
            )
        ]
        indexes = [
            models.Index(fields=["mall", "-said_at", "-id"], name="verbatim_mall_newest"),
            models.Index(fields=["digest", "id"], condition=Q(decided_at=None), name="verbatim_to_read"),
        ]
