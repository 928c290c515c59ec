"""The two ways to find a conversation's tenant before knowing it: by a survey's uuid and by a file's token."""

from django.db import migrations

# Each looks across the wall for this one row, then binds the session to its tenant, or to nobody.
ENTER = """
CREATE FUNCTION {name}(wanted {type}) RETURNS SETOF {table} LANGUAGE plpgsql ROWS 1 AS $$
DECLARE found {table};
BEGIN
    PERFORM set_config('dexra.environment', '0', false);
    SELECT * INTO found FROM {table} WHERE {column} = wanted;
    PERFORM set_config('dexra.environment', coalesce(found.environment_id::text, ''), false);
    IF found.id IS NOT NULL THEN RETURN NEXT found; END IF;
END $$;
"""
DOORS = (
    ("dexra_enter_by_conversation", "uuid", "conversations_conversation", "uuid"),
    ("dexra_enter_by_attachment", "text", "conversations_attachment", "token"),
)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0002_wall")]

    operations = [
        migrations.RunSQL(
            ENTER.format(name=name, type=type, table=table, column=column), f"DROP FUNCTION {name}({type})"
        )
        for name, type, table, column in DOORS
    ]
