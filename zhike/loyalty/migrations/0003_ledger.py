from pathlib import Path
from typing import Any

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0003_ledger.sql"

# HOT updates need room on the page of a row that changes with every receipt.
STORAGE = """
ALTER TABLE loyalty_account SET (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE loyalty_lot SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE loyalty_capusage SET (fillfactor = 85);
"""


def create_funding(apps: Any, schema_editor: Any) -> None:
    apps.get_model("loyalty", "Funding").objects.create(id=1, code="mall", split={"mall": 10000})  # lint-skip: ZK migration
    schema_editor.execute("SELECT setval(pg_get_serial_sequence('loyalty_funding', 'id'), 1)")


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0002_initial"),
        ("sales", "0002_record_receipt"),
        ("kernel", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunPython(create_funding, migrations.RunPython.noop),
    ]
