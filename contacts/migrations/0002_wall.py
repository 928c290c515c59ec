"""Row-level security on the tables of this app."""

from django.db import migrations

from core import tenancy

TABLES = ("contacts_contact", "contacts_contactsession")


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial"), ("events", "0001_initial")]

    operations = [migrations.RunSQL("".join(map(tenancy.wall, TABLES)), migrations.RunSQL.noop)]
