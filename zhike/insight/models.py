from __future__ import annotations

from django.db import models


class Segment(models.Model):
    """A named definition. ``mall`` None: the whole group's. ``counted`` members belonged at ``counted_at``."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)
    definition = models.JSONField()
    version = models.IntegerField()
    counted = models.IntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="segment_code_unique")]


class SegmentVersion(models.Model):
    """A definition as it was; never edited."""

    segment = models.ForeignKey("insight.Segment", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    counted = models.IntegerField(null=True)
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "version"], name="segment_version_unique"),
        ]


class SegmentCount(models.Model):
    """How many belonged at the end of a day, or when last counted on it."""

    pk = models.CompositePrimaryKey("segment_id", "day")
    segment = models.ForeignKey("insight.Segment", models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    counted = models.IntegerField()


class SegmentSnapshot(models.Model):
    """Who belonged at one moment, frozen: ``members`` is a serialised roaring bitmap of member ids."""

    segment = models.ForeignKey("insight.Segment", models.PROTECT, related_name="+")
    version = models.IntegerField()
    label = models.CharField(max_length=80)
    counted = models.IntegerField()
    members = models.BinaryField()
    taken_at = models.DateTimeField()
    taken_by = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["segment", "-taken_at"], name="segment_snapshot_newest")]
