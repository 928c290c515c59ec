"""Failed deliveries are found among those that arrived, and a body by its own number."""

from django.db import migrations, models

# Bodies are written in the order of their numbers: an index of ranges is enough, and costs next to nothing to keep.
BODIES = "CREATE INDEX webhooks_body_by_id ON webhooks_body USING brin (id) WITH (autosummarize = on)"


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0021_urgent_and_ended")]

    operations = [
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["environment", "id"], name="webhooks_failed",
                condition=models.Q(state__in=["exhausted", "canceled", "quarantined"]),
            ),
        ),
        migrations.RunSQL(BODIES, "DROP INDEX webhooks_body_by_id"),
    ]
