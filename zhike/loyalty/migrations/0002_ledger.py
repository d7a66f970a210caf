from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0002_ledger.sql"

# HOT updates need room on the page of a row that changes with every receipt.
STORAGE = """
ALTER TABLE loyalty_account SET (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE loyalty_lot SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE loyalty_capusage SET (fillfactor = 85);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0001_initial"),
        ("sales", "0002_record_receipt"),
        ("kernel", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
