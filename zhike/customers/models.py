from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Person(models.Model):
    """One human being as far as we know. ``merged_into`` leads to the survivor of a merge, who is never merged itself.

    Nothing of a merged person is rewritten: their rows keep naming them, and whoever reads one of a family reads all.

    ``associate`` is the member of staff who looks after them (专属导购); where scope is "own", it is theirs.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        RESTRICTED = "restricted"
        MERGED = "merged"
        ERASED = "erased"

    class Sex(models.TextChoices):
        UNKNOWN = "unknown"
        FEMALE = "female"
        MALE = "male"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    name = models.CharField(max_length=80, blank=True)
    name_pinyin = models.CharField(max_length=200, blank=True)
    name_initials = models.CharField(max_length=40, blank=True)
    name_grams = ArrayField(models.CharField(max_length=2), default=list)
    sex = models.CharField(max_length=8, choices=Sex.choices, default=Sex.UNKNOWN)
    birthday = models.DateField(null=True)
    occupation = models.CharField(max_length=80, blank=True)
    address = models.BinaryField(null=True)
    language = models.CharField(max_length=10, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    merged_into = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    merged_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    source = models.CharField(max_length=40)
    source_mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    source_merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    associate = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="merged", merged_into__isnull=False)
                | (~models.Q(status="merged") & models.Q(merged_into=None)),
                name="person_merged_into_survivor",
            )
        ]
        indexes = [
            GinIndex(fields=["name_grams"], name="person_name_grams"),
            models.Index(fields=["name"], name="person_name_prefix", opclasses=["varchar_pattern_ops"]),
            models.Index(
                fields=["name_pinyin"], name="person_pinyin_prefix", opclasses=["varchar_pattern_ops"]
            ),
            models.Index(
                fields=["name_initials"], name="person_initials_prefix", opclasses=["varchar_pattern_ops"]
            ),
        ]


class Identifier(models.Model):
    """One way a person is known to machines.

    ``value`` is the encrypted normalised value, ``index`` its versioned blind index, ``masked`` what anyone may see.
    ``retired_at`` marks a lost card or a given-up number: kept as history, no longer resolving.
    """

    class Kind(models.TextChoices):
        PHONE = "phone"
        CARD = "card"
        EMAIL = "email"
        OPENID = "openid"
        UNIONID = "unionid"
        PLATE = "plate"
        ACCOUNT = "account"

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.BinaryField()
    index = models.BinaryField()
    masked = models.CharField(max_length=120)
    verified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    retired_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "index"], condition=models.Q(retired_at=None), name="identifier_unique_active"
            )
        ]


class ProfileChange(models.Model):
    """One changed profile field: what it was and became (encrypted where personal), by whom and why."""

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    field = models.CharField(max_length=40)
    before = models.BinaryField(null=True)
    after = models.BinaryField(null=True)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person", "-changed_at"], name="profile_change_person")]


class Merge(models.Model):
    """会员合并: two persons were found to be one, or are said to be (``proposed``, until a second person agrees).

    ``guards`` are the reasons for caution (rules.guards), ``evidence`` what speaks for it, without personal data;
    ``filled`` the profile fields that the survivor took over. A merge ends once, ``undone`` or ``declined``.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed"
        MERGED = "merged"
        DECLINED = "declined"
        UNDONE = "undone"

    survivor = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    merged = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices)
    guards = ArrayField(models.CharField(max_length=20), default=list)
    evidence = models.JSONField(default=dict)
    filled = ArrayField(models.CharField(max_length=20), default=list)
    reason = models.CharField(max_length=200, blank=True)
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=80)
    merged_at = models.DateTimeField(null=True)
    merged_by = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merged"], condition=models.Q(state="merged"), name="merge_person_once"
            ),
            models.UniqueConstraint(
                fields=["survivor", "merged"],
                condition=models.Q(state="proposed"),
                name="merge_proposed_once",
            ),
            models.CheckConstraint(condition=~models.Q(survivor=models.F("merged")), name="merge_of_two"),
        ]
        indexes = [models.Index(fields=["-proposed_at", "-id"], name="merge_newest")]


class Suggestion(models.Model):
    """Two persons may be one. ``first`` is the older record; ``probability`` is the linkage model's, 1 for identifiers.

    ``evidence`` says how well each thing fits (``[[what, verdict], …]``), without personal data. Rejected pairs stay
    here, so that they are never suggested again.
    """

    class Basis(models.TextChoices):
        IDENTIFIER = "identifier"
        LIKENESS = "likeness"

    class State(models.TextChoices):
        OPEN = "open"
        UNSURE = "unsure"
        ACCEPTED = "accepted"
        REJECTED = "rejected"

    first = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    second = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    basis = models.CharField(max_length=10, choices=Basis.choices)
    probability = models.FloatField()
    evidence = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    merge = models.ForeignKey("customers.Merge", models.PROTECT, null=True, related_name="+")
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="suggestion_pair_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="suggestion_older_first"
            ),
            models.CheckConstraint(
                condition=models.Q(probability__gte=0, probability__lte=1), name="suggestion_probability"
            ),
        ]
        indexes = [
            models.Index(
                fields=["-probability", "id"],
                condition=models.Q(state__in=["open", "unsure"]),
                name="suggestion_open",
            )
        ]
