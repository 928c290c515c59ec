"""What somebody waits for is found at once, what has ended by when it did; and how far people were written to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0020_types_in_keys")]

    operations = [
        migrations.AddField("health", "mailed_stage", models.PositiveSmallIntegerField(default=0)),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["endpoint", "next_attempt_at"], name="webhooks_urgent",
                condition=models.Q(state="pending", trigger__in=("manual", "test", "rehearsal")),
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["finished_at"], name="webhooks_finished", condition=models.Q(finished_at__isnull=False)
            ),
        ),
    ]
