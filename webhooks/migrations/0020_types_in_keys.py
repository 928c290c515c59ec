"""The type becomes part of the names of bodies and deliveries: Chatwoot's words take two for a new status."""

from django.db import migrations, models

BODIES = """
ALTER TABLE webhooks_body DROP CONSTRAINT webhooks_body_pkey, ADD PRIMARY KEY (event_id, dialect, type, event_at);
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0002_days_and_wall")]

    operations = [
        migrations.RemoveConstraint("delivery", "one_delivery_of_an_event"),
        migrations.AddConstraint(
            "delivery",
            models.UniqueConstraint(
                fields=["event_id", "endpoint", "type"], condition=models.Q(rehearsal=""),
                name="one_delivery_of_an_event",
            ),
        ),
        migrations.RunSQL(BODIES, migrations.RunSQL.noop),
        # Erasing a person finds their deliveries by event; those of rehearsals are not in the unique index.
        migrations.AddIndex(
            "delivery",
            models.Index(fields=["event_id"], name="webhooks_rehearsals", condition=~models.Q(rehearsal="")),
        ),
    ]
