from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_coupons.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0001_initial"),
        ("loyalty", "0002_ledger"),
        ("kernel", "0001_initial"),
    ]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
