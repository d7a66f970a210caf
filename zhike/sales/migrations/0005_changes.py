from pathlib import Path

from django.db import migrations, models

import zhike.kernel.fields

SQL = Path(__file__).resolve().parent.parent / "sql" / "0005_changes.sql"


class Migration(migrations.Migration):
    dependencies = [("sales", "0004_record_receipts")]

    operations = [
        migrations.CreateModel(
            name="ReceiptGone",
            fields=[
                ("receipt_id", models.UUIDField(primary_key=True, serialize=False)),
                ("xid", zhike.kernel.fields.TransactionIdField()),
            ],
            options={"indexes": [models.Index(fields=["xid"], name="receipt_gone_xid")]},
        ),
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
    ]
