from __future__ import annotations

from django.db import models


class Pseudonym(models.Model):
    """The random number a person is in the lake. Erasing the person deletes it, and nothing leads back."""

    person = models.OneToOneField("customers.Person", models.CASCADE, primary_key=True, related_name="+")
    key = models.BigIntegerField(unique=True)


class LakeRun(models.Model):
    """One export, rebuild, check or removal. ``tables``: what became of each table, as `rules.Reconciled` tells.

    ``fault`` is the code of what went wrong, "" where nothing did.
    """

    class Kind(models.TextChoices):
        EXPORT = "export"
        REBUILD = "rebuild"
        VERIFY = "verify"
        FORGET = "forget"

    class State(models.TextChoices):
        WORKING = "working"
        DONE = "done"
        DIFFERS = "differs"
        FAILED = "failed"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices)
    fault = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=80)
    took_ms = models.IntegerField(null=True)
    cursor = models.BigIntegerField(default=0)
    tables = models.JSONField(default=list)
    checks = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["-id"], name="lake_run_newest")]


class Figure(models.Model):
    """What a definition gave on the lake as of a moment; ``rows`` in the columns and order the definition states."""

    run = models.ForeignKey("history.LakeRun", models.CASCADE, related_name="+", db_index=False)
    code = models.CharField(max_length=20)
    as_of = models.DateTimeField()
    parameters = models.JSONField(default=dict)
    columns = models.JSONField()
    rows = models.JSONField()
    took_ms = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["code", "-id"], name="figure_newest")]
