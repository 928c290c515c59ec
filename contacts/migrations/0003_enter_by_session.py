"""The one way to find a session, its inbox and its person by what a client knows, and to bind to their tenant."""

from django.db import migrations

# Looks across the wall for these rows, then binds the session to their tenant, or to nobody. An inbox without such a
# session is found too: the caller tells the two apart.
ENTER_BY_SESSION = """
CREATE FUNCTION dexra_enter_by_session(wanted text, source text)
RETURNS TABLE (inbox inboxes_inbox, session contacts_contactsession, contact contacts_contact)
LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
    PERFORM set_config('dexra.environment', '0', false);
    SELECT i.* INTO inbox FROM inboxes_inbox AS i WHERE i.identifier = wanted AND i.deleted_at IS NULL;
    SELECT s.* INTO session FROM contacts_contactsession AS s
        WHERE s.environment_id = inbox.environment_id AND s.inbox_id = inbox.id AND s.source_id = source;
    SELECT c.* INTO contact FROM contacts_contact AS c
        WHERE c.id = session.contact_id AND c.erased_at IS NULL AND c.merged_into_id IS NULL;
    PERFORM set_config('dexra.environment', coalesce(inbox.environment_id::text, ''), false);
    IF inbox.id IS NOT NULL THEN RETURN NEXT; END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_wall"), ("inboxes", "0002_wall")]

    operations = [migrations.RunSQL(ENTER_BY_SESSION, "DROP FUNCTION dexra_enter_by_session")]
