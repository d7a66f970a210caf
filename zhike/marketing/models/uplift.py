from __future__ import annotations

from django.db import models


class UpliftRun(models.Model):
    """A model of whom a message changes, learnt from ``campaigns`` that are over, and what it was worth to people it never saw.

    ``fault`` says why nothing was learnt, then the rest is empty. ``learner`` is the chosen one of the family. ``figures`` are all
    measurements on the part that was held back; ``parts`` the model itself, as numbers.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    ran_at = models.DateTimeField()
    ran_by = models.CharField(max_length=80)
    campaigns = models.JSONField(default=list)
    people = models.IntegerField(default=0)
    treated = models.IntegerField(default=0)
    buyers = models.IntegerField(default=0)
    fault = models.CharField(max_length=20, blank=True)
    learner = models.CharField(max_length=20, blank=True)
    beats_random = models.BooleanField(default=False)
    figures = models.JSONField(default=dict)
    parts = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["-ran_at", "-id"], name="uplift_run_newest")]
