from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0008_states.sql"

STORAGE = "ALTER TABLE loyalty_pendingpoints SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);"

# Programmes that exist get the system accounts on which points wait or are held.
ACCOUNTS = """
INSERT INTO loyalty_account (id, program_id, code, balance, debt, qualifying_fen, version)
SELECT -(p.id * 10 + one.which), p.id, one.code, 0, 0, 0, 0
FROM loyalty_program p, (VALUES (5, 'pending'), (6, 'held')) AS one(which, code)
ON CONFLICT (id) DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0007_points_states")]

    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), migrations.RunSQL.noop),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(ACCOUNTS, migrations.RunSQL.noop),
    ]
