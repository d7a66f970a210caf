from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0018_moves.sql"


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0017_adjustments")]

    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop)]
