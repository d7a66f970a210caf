from django.db import migrations

PROTECT = """
CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER {table}_is_kept BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change();
"""
RELEASE = "DROP TRIGGER {table}_is_append_only ON {table}; DROP TRIGGER {table}_is_kept ON {table};"


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_initial"), ("kernel", "0001_initial")]
    operations = [
        migrations.RunSQL(PROTECT.format(table=table), RELEASE.format(table=table))
        for table in ("privacy_policy", "privacy_consentrecord")
    ]
