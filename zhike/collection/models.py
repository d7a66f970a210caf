from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class Source(models.Model):
    """A site, app or server that sends. ``space`` names whose user ids it uses: sources of one space share them.

    ``user_id_kind`` says what a user id is (an account of the space, or a phone, card …). ``is_trusted``: the key stays on our
    servers, so identify may make persons and fill profiles. ``consent_category`` is the category of the site's consent banner
    that covers this collection; ``consent_assumed``: it sends only after consent. A ``kiosk`` is shared by strangers.
    """

    class Kind(models.TextChoices):
        WEB = "web"
        APP = "app"
        SERVER = "server"
        KIOSK = "kiosk"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    space = models.CharField(max_length=20)
    user_id_kind = models.CharField(max_length=10)
    is_trusted = models.BooleanField()
    consent_category = models.CharField(max_length=40)
    consent_assumed = models.BooleanField()
    rate_per_minute = models.IntegerField()
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "name"], name="collection_source_name")]


class WriteKey(models.Model):
    """One key of a source; only its digest is kept. A rotated key works until ``expires_at``."""

    source = models.ForeignKey("collection.Source", models.PROTECT, related_name="+")
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(unique=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class SeenMessage(models.Model):
    """A message id that was taken already; kept for eight days."""

    pk = models.CompositePrimaryKey("source_id", "key")
    source = models.ForeignKey("collection.Source", models.PROTECT, related_name="+", db_index=False)
    key = models.UUIDField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [BrinIndex(fields=["received_at"], name="collection_seen_received")]


class Visitor(models.Model):
    """A browser, device or account whose person may not be known.

    ``digest`` of its id is all that is kept of it. What it did up to ``stitched_until`` (None: all of it) is
    ``person``'s. ``is_shared``: two people signed in on it, so it is nobody's, for good.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    space = models.CharField(max_length=20)
    digest = models.BinaryField()
    first_seen_at = models.DateTimeField()
    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    stitched_until = models.DateTimeField(null=True)
    is_shared = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "space", "digest"], name="collection_visitor_once"),
            models.CheckConstraint(
                condition=models.Q(is_shared=False) | models.Q(person=None),
                name="collection_shared_is_nobodys",
            ),
        ]


class SetAside(models.Model):
    """A message that could not be used, whole and encrypted, with the reason; it can be mended and tried again."""

    class Status(models.TextChoices):
        OPEN = "open"
        TAKEN = "taken"
        DISCARDED = "discarded"

    source = models.ForeignKey("collection.Source", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=120)
    body = models.BinaryField()
    received_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    is_mended = models.BooleanField(default=False)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["source", "status", "-id"], name="collection_set_aside_open")]


class Delivery(models.Model):
    """One request of a source: how many messages came and what became of them; ``sample`` shows some of them, masked."""

    source = models.ForeignKey("collection.Source", models.PROTECT, related_name="+", db_index=False)
    received_at = models.DateTimeField()
    library = models.CharField(max_length=60)
    taken = models.IntegerField()
    anonymised = models.IntegerField()
    refused = models.IntegerField()
    duplicates = models.IntegerField()
    set_aside = models.IntegerField()
    sample = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["source", "-received_at", "-id"], name="collection_delivery_latest")]


class HourCount(models.Model):
    """Deliveries of a past hour, added up."""

    pk = models.CompositePrimaryKey("source_id", "hour")
    source = models.ForeignKey("collection.Source", models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField()
    requests = models.IntegerField()
    taken = models.BigIntegerField()
    anonymised = models.BigIntegerField()
    refused = models.BigIntegerField()
    duplicates = models.BigIntegerField()
    set_aside = models.BigIntegerField()
