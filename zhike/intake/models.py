from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class ImportRun(models.Model):
    """One file on its way in.

    ``path`` is where the bytes are kept (below UPLOAD_DIR, or where the command line found them). ``mapping`` is the
    one it runs with. ``counts`` is the reconciliation (rules.Reconciliation) of the run, ``checked`` that of the last
    dry run. ``stage`` and ``lines_done`` of ``lines_total`` are its live progress.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded"
        CHECKING = "checking"
        CHECKED = "checked"
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        UNDOING = "undoing"
        UNDONE = "undone"

    id = models.UUIDField(primary_key=True)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=500)
    size = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    file_facts = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UPLOADED)
    stage = models.CharField(max_length=20, blank=True)
    lines_total = models.BigIntegerField(default=0)
    lines_done = models.BigIntegerField(default=0)
    checked = models.JSONField(null=True)
    counts = models.JSONField(null=True)
    failure = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["mall", "-created_at"], name="import_run_newest"),
            models.Index(fields=["digest"], name="import_run_digest"),
        ]


class QuarantinedRow(models.Model):
    """One row of a file that could not be used: its cells as they came, or as someone corrected them."""

    class Status(models.TextChoices):
        OPEN = "open"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    run = models.ForeignKey("intake.ImportRun", models.CASCADE, related_name="+", db_index=False)
    row_no = models.BigIntegerField()
    receipt_number = models.CharField(max_length=60, blank=True)
    cells = models.JSONField()
    corrected = models.BooleanField(default=False)
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "row_no"], name="quarantined_row_once")]
        indexes = [models.Index(fields=["run", "status", "reason", "row_no"], name="quarantined_row_listed")]


class SavedMapping(models.Model):
    """A mapping kept under a name, for the next file of the same kind."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    definition = models.JSONField()
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "name"], name="saved_mapping_name_unique")]


class BalanceMove(models.Model):
    """A file of another system's balances on its way in: kept, tried, brought in; its bytes go with the last step.

    ``batch`` names the move: under one name a member's points of one day come in once, whichever file says so. ``checked``
    is what the dry run said (operations.BalancesOutcome), ``counts`` what became of it.
    """

    class State(models.TextChoices):
        CHECKING = "checking"
        CHECKED = "checked"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True)
    batch = models.CharField(max_length=30)
    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=500, blank=True)
    rows = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.CHECKING)
    checked = models.JSONField(null=True)
    counts = models.JSONField(null=True)
    failure = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="balance_move_newest")]


class Connector(models.Model):
    """A lasting connection to somebody's system: what comes in, by which terms.

    ``settings`` depends on the kind (rules.connectors). ``secret`` is encrypted and bound to the row. A connector that fetches
    is due at ``next_run_at``; ``watermark`` is how far it has read, ``failures`` how often it failed in a row since it last
    worked, ``last_error`` the sentence of the last one.
    """

    class Kind(models.TextChoices):
        TILLS = "tills"
        FOLDER = "folder"
        DATABASE = "database"

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=60)
    is_on = models.BooleanField(default=True)
    settings = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    secret = models.BinaryField(null=True)
    every_minutes = models.IntegerField(default=0)
    next_run_at = models.DateTimeField(null=True)
    watermark = models.CharField(max_length=200, blank=True)
    failures = models.IntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    last_run_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mall", "name"], name="connector_name_unique")]
        indexes = [
            models.Index(
                fields=["next_run_at"],
                condition=Q(is_on=True, next_run_at__isnull=False),
                name="connector_due",
            )
        ]


class TillCredential(models.Model):
    """With what the tills of one merchant show who they are. Passwords are random, and kept as SHA-256.

    After a rotation the one before works on until ``previous_until``. ``tills`` empty: any till of the merchant.
    """

    connector = models.ForeignKey("intake.Connector", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, related_name="+", db_index=False)
    username = models.CharField(max_length=40, unique=True)
    digest = models.BinaryField()
    previous_digest = models.BinaryField(null=True)
    previous_until = models.DateTimeField(null=True)
    tills = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    last_upload_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "merchant"],
                condition=Q(revoked_at__isnull=True),
                name="till_credential_one_works",
            )
        ]


class TillDay(models.Model):
    """What came from one till in one business day, and what it says it sold: the two sides of the reconciliation."""

    connector = models.ForeignKey("intake.Connector", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, related_name="+", db_index=False)
    till = models.CharField(max_length=40)
    business_date = models.DateField()
    accepted = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    declared_sales_fen = models.BigIntegerField(null=True)
    declared_refunds_fen = models.BigIntegerField(null=True)
    declared_receipts = models.IntegerField(null=True)
    declared_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "business_date", "merchant", "till"], name="till_day_once"
            )
        ]


class QuarantinedUpload(models.Model):
    """One upload of a till that could not be taken: what it said, and why. Sent again, it is the same row with one more try."""

    class Status(models.TextChoices):
        OPEN = "open"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    connector = models.ForeignKey("intake.Connector", models.PROTECT, related_name="+", db_index=False)
    credential = models.ForeignKey("intake.TillCredential", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, related_name="+", db_index=False)
    till = models.CharField(max_length=40, blank=True)
    number = models.CharField(max_length=60, blank=True)
    day = models.CharField(max_length=20, blank=True)
    document = models.JSONField()
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    tries = models.IntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credential", "till", "number", "day"],
                condition=Q(status="open"),
                name="quarantined_upload_once",
            )
        ]
        indexes = [models.Index(fields=["connector", "status", "-id"], name="quarantined_upload_listed")]


class FetchedPart(models.Model):
    """What a connector fetched in one piece: a file of its folder, or the rows of one pull. Taken once, by its digest.

    ``stamp`` is how a file looked (size and time of change), so that it need not be read again to know it. ``rows`` is the count
    at the source, for the comparison with what became of them (``run``).
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    connector = models.ForeignKey("intake.Connector", models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=255)
    stamp = models.CharField(max_length=60, blank=True)
    digest = models.CharField(max_length=64)
    rows = models.BigIntegerField(default=0)
    run = models.ForeignKey("intake.ImportRun", models.SET_NULL, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    tries = models.IntegerField(default=0)
    failure = models.CharField(max_length=500, blank=True)
    fetched_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connector", "digest"], name="fetched_part_once")]
        indexes = [models.Index(fields=["connector", "-fetched_at", "-id"], name="fetched_part_newest")]
