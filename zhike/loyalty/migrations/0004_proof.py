from django.db import migrations, models

KEEP = """
CREATE TRIGGER loyalty_dailydigest_is_append_only BEFORE UPDATE OR DELETE ON loyalty_dailydigest
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER loyalty_dailydigest_is_kept BEFORE TRUNCATE ON loyalty_dailydigest
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0003_member_activity")]

    operations = [
        migrations.AddField("seal", "fingerprints", models.BinaryField(default=b"")),
        migrations.CreateModel(
            name="DailyDigest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(unique=True)),
                ("document", models.TextField()),
                ("digest", models.BinaryField()),
                ("kid", models.CharField(max_length=32)),
                ("public_key", models.BinaryField()),
                ("signature", models.BinaryField()),
                ("signed_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
    ]
