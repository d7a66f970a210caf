from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_record_receipt.sql"


class Migration(migrations.Migration):
    dependencies = [("sales", "0001_initial")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), "DROP FUNCTION sales_record_receipt")]
