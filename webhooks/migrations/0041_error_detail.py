"""An attempt keeps what was wrong with a certificate, a name or a connection, in the words of who found out."""

from django.db import migrations, models

# With a default of its own: a worker of the version before writes attempts without it.
DETAIL = "ALTER TABLE webhooks_attempt ADD COLUMN error_detail varchar(200) NOT NULL DEFAULT ''"


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0040_what_people_look_for")]

    operations = [
        migrations.RunSQL(
            DETAIL,
            "ALTER TABLE webhooks_attempt DROP COLUMN error_detail",
            state_operations=[
                migrations.AddField(
                    "attempt", "error_detail", models.CharField(blank=True, default="", max_length=200)
                ),
            ],
        ),
    ]
