"""What expires and what is scheduled is found without looking through all that waits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbound", "0002_wall")]

    operations = [
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                fields=["expires_at"], name="outbound_expiring", condition=models.Q(("state", "waiting"))
            ),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                fields=["send_at"],
                name="outbound_scheduled",
                condition=models.Q(("state", "waiting"), ("send_at__isnull", False)),
            ),
        ),
    ]
