"""Row-level security."""

from django.db import migrations

from core import tenancy

TABLES = ("inboxes_inboxhealth", "inboxes_template")


class Migration(migrations.Migration):
    dependencies = [("inboxes", "0003_health_and_templates")]

    operations = [migrations.RunSQL("".join(tenancy.wall(table) for table in TABLES), migrations.RunSQL.noop)]
