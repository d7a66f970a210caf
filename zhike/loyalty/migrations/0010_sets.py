from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0010_sets.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0009_replay"),
        ("kernel", "0003_sets"),
        ("sales", "0004_record_receipts"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
