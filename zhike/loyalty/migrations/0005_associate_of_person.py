"""Who looks after a member is told once, at the person."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0004_proof")]

    operations = [migrations.RemoveField("member", "associate")]
