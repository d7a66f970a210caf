from django.db import migrations


class Migration(migrations.Migration):
    """Readers that take what was written since they last looked find it by transaction."""

    dependencies = [("loyalty", "0021_photo_claims")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX transfer_xid ON loyalty_transfer (xid)", "DROP INDEX IF EXISTS transfer_xid"
        ),
    ]
