"""Row-level security."""

from django.db import migrations

from core import tenancy

TABLES = ("inbound_rawcallback", "inbound_receival", "inbound_fetch", "inbound_mailbox")


class Migration(migrations.Migration):
    dependencies = [("inbound", "0001_initial")]

    operations = [migrations.RunSQL("".join(tenancy.wall(table) for table in TABLES), migrations.RunSQL.noop)]
