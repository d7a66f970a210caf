from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0004_record_receipts.sql"


class Migration(migrations.Migration):
    dependencies = [("sales", "0003_receipt_receipt_day")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
