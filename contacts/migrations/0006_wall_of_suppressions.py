"""Row-level security."""

from django.db import migrations

from core import tenancy

TABLES = ("contacts_suppression",)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0005_suppression")]

    operations = [migrations.RunSQL("".join(tenancy.wall(table) for table in TABLES), migrations.RunSQL.noop)]
