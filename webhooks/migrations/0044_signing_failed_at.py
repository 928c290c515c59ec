"""Of an endpoint it is known when its deliveries could not be signed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0043_canceled_reason")]

    operations = [
        migrations.AddField("health", "signing_failed_at", models.DateTimeField(null=True, blank=True)),
    ]
