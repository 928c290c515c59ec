"""Of an endpoint it is known since when it is told again: what was held for it is not older than that."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0044_signing_failed_at")]

    operations = [
        migrations.AddField("health", "resumed_at", models.DateTimeField(null=True, blank=True)),
    ]
