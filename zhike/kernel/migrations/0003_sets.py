from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0003_sets.sql"


class Migration(migrations.Migration):
    dependencies = [("kernel", "0002_event_home")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
