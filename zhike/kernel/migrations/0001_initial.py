"""The kernel's tables; the log, its guards and the functions other contexts call from SQL come from ../sql."""

from pathlib import Path
from typing import Any

import django.contrib.postgres.indexes
import django.db.models.functions.datetime
from django.db import migrations, models

import zhike.kernel.fields

SQL = Path(__file__).resolve().parent.parent / "sql"
UUIDV7_SINCE = 18_00_00


def run(name: str) -> migrations.RunSQL:
    return migrations.RunSQL((SQL / name).read_text(encoding="utf-8"))


def create_uuid7(apps: Any, schema_editor: Any) -> None:
    native = schema_editor.connection.pg_version >= UUIDV7_SINCE
    name = "0001_uuid7_native.sql" if native else "0001_uuid7_plain.sql"
    schema_editor.execute((SQL / name).read_text(encoding="utf-8"))


def create_partitions(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("SELECT kernel_ensure_event_partitions(now(), 4)")


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="EventCursor",
            fields=[
                ("consumer", models.TextField(primary_key=True, serialize=False)),
                ("from_snapshot", zhike.kernel.fields.SnapshotField()),
                ("to_snapshot", zhike.kernel.fields.SnapshotField(null=True)),
                ("position", models.BigIntegerField(db_default=0)),
                ("handled", models.BigIntegerField(db_default=0)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "kernel_event_cursor",
            },
        ),
        migrations.CreateModel(
            name="RateWindow",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("minute", models.BigIntegerField()),
                ("leased", models.IntegerField()),
            ],
            options={
                "db_table": "kernel_rate_window",
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("actor_label", models.TextField()),
                ("action", models.TextField()),
                ("subject_kind", models.TextField()),
                ("subject_id", models.TextField()),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("reason", models.TextField(db_default="")),
                ("request_id", models.TextField(db_default="")),
            ],
            options={
                "db_table": "kernel_audit",
                "indexes": [
                    models.Index(fields=["-at", "-id"], name="kernel_audit_at"),
                    models.Index(fields=["subject_kind", "subject_id", "-at"], name="kernel_audit_subject"),
                    models.Index(fields=["actor", "-at"], name="kernel_audit_actor"),
                    models.Index(fields=["action", "-at"], name="kernel_audit_action"),
                ],
            },
        ),
        migrations.RunPython(create_uuid7, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[run("0001_events.sql")],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("position", models.BigAutoField(primary_key=True, serialize=False)),
                        ("xid", zhike.kernel.fields.TransactionIdField(editable=False)),
                        ("id", models.UUIDField()),
                        ("source", models.TextField()),
                        ("type", models.TextField()),
                        ("subject", models.TextField()),
                        ("actor", models.TextField(db_default="")),
                        ("time", models.DateTimeField()),
                        (
                            "recorded_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                        ),
                        ("data", models.JSONField()),
                    ],
                    options={
                        "db_table": "kernel_event",
                        "indexes": [
                            models.Index(fields=["xid"], name="kernel_event_xid"),
                            models.Index(fields=["subject", "-time"], name="kernel_event_subject_time"),
                            models.Index(fields=["type", "position"], name="kernel_event_type_position"),
                        ],
                    },
                ),
            ],
        ),
        migrations.RunPython(create_partitions, migrations.RunPython.noop),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "scope", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("scope", models.TextField()),
                ("key", models.TextField()),
                ("request_hash", models.BinaryField()),
                ("status", models.SmallIntegerField()),
                ("body", models.JSONField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "kernel_idempotency",
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["created_at"], name="kernel_idempotency_created"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ParkedEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("consumer", models.TextField()),
                ("position", models.BigIntegerField()),
                ("event_id", models.UUIDField()),
                ("event_type", models.TextField()),
                ("subject", models.TextField()),
                ("error", models.TextField()),
                ("traceback", models.TextField()),
                ("tries", models.PositiveSmallIntegerField()),
                (
                    "status",
                    models.TextField(
                        choices=[("parked", "Parked"), ("replayed", "Replayed"), ("discarded", "Discarded")],
                        db_default="parked",
                    ),
                ),
                ("parked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("settled_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "kernel_parked_event",
                "indexes": [models.Index(fields=["status", "-id"], name="kernel_parked_event_status")],
                "constraints": [
                    models.UniqueConstraint(fields=("consumer", "position"), name="kernel_parked_event_once")
                ],
            },
        ),
        migrations.RunSQL("ALTER TABLE kernel_rate_window SET UNLOGGED", migrations.RunSQL.noop),
        run("0001_audit.sql"),
        run("0001_idempotency.sql"),
    ]
