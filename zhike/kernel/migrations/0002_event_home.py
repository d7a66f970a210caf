"""Remember which PostgreSQL server the log's transaction ids are of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="EventHome",
            fields=[("system_identifier", models.BigIntegerField(primary_key=True, serialize=False))],
            options={"db_table": "kernel_event_home"},
        ),
        migrations.RunSQL(
            "INSERT INTO kernel_event_home SELECT system_identifier FROM pg_control_system()",
            migrations.RunSQL.noop,
        ),
    ]
