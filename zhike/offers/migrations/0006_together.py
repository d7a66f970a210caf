from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0006_together.sql"


class Migration(migrations.Migration):
    dependencies = [("offers", "0005_lock_ends"), ("loyalty", "0015_tiers")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
