from __future__ import annotations

from django.db import models


class AnnouncedVersion(models.Model):
    """A version of what members were promised. Never edited once it is in force.

    One that makes things worse waits until everybody concerned was told (``noticed_at``) and then ``notice_days`` more,
    however early ``effective_from`` is (rules.announcing).
    """

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    effective_from = models.DateTimeField()
    notice_days = models.SmallIntegerField(default=0)
    noticed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True

    @property
    def is_worse(self) -> bool:
        raise NotImplementedError
