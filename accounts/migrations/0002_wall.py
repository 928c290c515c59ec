"""Row-level security on the tables of this app, and the one way to find a key's tenant before knowing it."""

from django.db import migrations

from core import tenancy

TABLES = ("accounts_apikey", "accounts_idempotencykey", "accounts_auditentry")

# Looks across the wall for this one row, then binds the session to its tenant, or to nobody.
ENTER_BY_KEY = """
CREATE FUNCTION dexra_enter_by_key(wanted bytea) RETURNS SETOF accounts_apikey LANGUAGE plpgsql ROWS 1 AS $$
DECLARE found accounts_apikey;
BEGIN
    PERFORM set_config('dexra.environment', '0', false);
    SELECT * INTO found FROM accounts_apikey WHERE digest = wanted;
    PERFORM set_config('dexra.environment', coalesce(found.environment_id::text, ''), false);
    IF found.id IS NOT NULL THEN RETURN NEXT found; END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("events", "0001_initial")]

    operations = [
        migrations.RunSQL("".join(map(tenancy.wall, TABLES)) + ENTER_BY_KEY, migrations.RunSQL.noop),
    ]
