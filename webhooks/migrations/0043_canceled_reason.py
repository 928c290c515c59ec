"""A canceled delivery says why it is not to be made."""

from django.db import migrations, models

# With a default of its own: a worker of the version before makes deliveries without it.
REASON = "ALTER TABLE webhooks_delivery ADD COLUMN canceled_reason varchar(20) NOT NULL DEFAULT ''"


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0042_failing_told_at")]

    operations = [
        migrations.RunSQL(
            REASON,
            "ALTER TABLE webhooks_delivery DROP COLUMN canceled_reason",
            state_operations=[
                migrations.AddField(
                    "delivery",
                    "canceled_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("operator", "An operator canceled it"),
                            ("person_erased", "The person it is about was erased"),
                            ("endpoint_deleted", "Its endpoint was deleted"),
                            ("endpoint_gone", "Its endpoint answered 410"),
                            ("type_unwanted", "Its endpoint no longer wants this type"),
                            ("skipped", "What was held was skipped when its endpoint was resumed"),
                            ("held_too_long", "It was held for more than 72 hours"),
                            ("body_gone", "What was to be sent is no longer kept"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
            ],
        ),
    ]
