"""Of an endpoint that fails by turns it is known when its people were last told."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0041_error_detail")]

    operations = [
        migrations.AddField("health", "told_failing_at", models.DateTimeField(null=True, blank=True)),
    ]
