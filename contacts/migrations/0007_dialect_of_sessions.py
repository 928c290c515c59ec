"""In which shapes a session is told what happens."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_wall_of_suppressions")]

    operations = [
        migrations.AddField(
            model_name="contactsession",
            name="dialect",
            field=models.CharField(
                choices=[("chatwoot", "Chatwoot"), ("dexra", "Dexra")],
                db_default="chatwoot",
                default="chatwoot",
                editable=False,
                help_text="What it is told on the cable in: Dexra's own words, or Chatwoot's.",
                max_length=10,
            ),
        ),
    ]
