"""Row-level security, and the one way to find an inbox's tenant by its public identifier."""

from django.db import migrations

from core import tenancy

# Looks across the wall for this one row, then binds the session to its tenant, or to nobody.
ENTER_BY_IDENTIFIER = """
CREATE FUNCTION dexra_enter_by_inbox(wanted text) RETURNS SETOF inboxes_inbox LANGUAGE plpgsql ROWS 1 AS $$
DECLARE found inboxes_inbox;
BEGIN
    PERFORM set_config('dexra.environment', '0', false);
    SELECT * INTO found FROM inboxes_inbox WHERE identifier = wanted AND deleted_at IS NULL;
    PERFORM set_config('dexra.environment', coalesce(found.environment_id::text, ''), false);
    IF found.id IS NOT NULL THEN RETURN NEXT found; END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("inboxes", "0001_initial"), ("events", "0001_initial")]

    operations = [
        migrations.RunSQL(tenancy.wall("inboxes_inbox") + ENTER_BY_IDENTIFIER, migrations.RunSQL.noop),
    ]
