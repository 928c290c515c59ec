"""Answers kept for repeated requests are sealed, and say whom they mention. Those of the last day are let go."""

import django.contrib.postgres.fields
from django.db import migrations, models

import core.crypto


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_wall")]

    operations = [
        migrations.RunSQL(
            "SELECT set_config('dexra.environment', '0', true); DELETE FROM accounts_idempotencykey;"
            "SELECT set_config('dexra.environment', '', true)",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="idempotencykey",
            name="body",
            field=core.crypto.EncryptedJSONField(help_text="Sealed: an answer may show a secret this once."),
        ),
        migrations.AddField(
            model_name="idempotencykey",
            name="mentions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                default=list,
                help_text="The public ids in the answer.",
                size=None,
            ),
        ),
    ]
