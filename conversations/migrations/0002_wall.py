"""Row-level security on the tables of this app."""

from django.db import migrations

from core import tenancy

TABLES = (
    "conversations_team",
    "conversations_teammember",
    "conversations_conversationcounter",
    "conversations_conversation",
    "conversations_message",
    "conversations_attachment",
    "conversations_surveyanswer",
)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial"), ("events", "0001_initial")]

    operations = [migrations.RunSQL("".join(map(tenancy.wall, TABLES)), migrations.RunSQL.noop)]
