"""The function that keeps the log's days takes no argument that would drop them all."""

from django.db import migrations

# It runs with the owner's rights, so what it is asked for is checked here and not by who asks.
BOUNDED = """
ALTER FUNCTION dexra_keep_days(regclass, int, int) RENAME TO dexra_move_days;
REVOKE ALL ON FUNCTION dexra_move_days(regclass, int, int) FROM PUBLIC, dexra_app;
CREATE FUNCTION dexra_keep_days(parent regclass, ahead int, keep int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF parent <> 'events_event'::regclass OR ahead NOT BETWEEN 1 AND 60 OR keep < 1 THEN
        RAISE EXCEPTION 'dexra_keep_days keeps 1 day of events_event at least, and makes 1 to 60';
    END IF;
    RETURN dexra_move_days(parent, ahead, keep);
END $$;
REVOKE ALL ON FUNCTION dexra_keep_days(regclass, int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dexra_keep_days(regclass, int, int) TO dexra_app;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]

    operations = [migrations.RunSQL(BOUNDED, migrations.RunSQL.noop)]
