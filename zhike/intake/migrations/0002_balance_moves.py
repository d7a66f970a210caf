from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="BalanceMove",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("batch", models.CharField(max_length=30)),
                ("file_name", models.CharField(max_length=255)),
                ("path", models.CharField(blank=True, max_length=500)),
                ("rows", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("checking", "Checking"),
                            ("checked", "Checked"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="checking",
                        max_length=10,
                    ),
                ),
                ("checked", models.JSONField(null=True)),
                ("counts", models.JSONField(null=True)),
                ("failure", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("actor", models.CharField(max_length=80)),
                ("actor_label", models.CharField(blank=True, max_length=120)),
            ],
            options={
                "indexes": [models.Index(fields=["-created_at"], name="balance_move_newest")],
            },
        ),
    ]
