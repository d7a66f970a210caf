from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0005_lock_ends.sql"


class Migration(migrations.Migration):
    dependencies = [("offers", "0004_merged_members")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
