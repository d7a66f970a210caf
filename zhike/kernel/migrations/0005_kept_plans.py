from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0005_kept_plans.sql"


class Migration(migrations.Migration):
    dependencies = [("kernel", "0004_redaction")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
