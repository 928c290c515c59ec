"""Row-level security."""

from django.db import migrations

from core import tenancy

TABLES = ("outbound_line", "outbound_dispatch", "outbound_attempt")


class Migration(migrations.Migration):
    dependencies = [("outbound", "0001_initial")]

    operations = [migrations.RunSQL("".join(tenancy.wall(table) for table in TABLES), migrations.RunSQL.noop)]
