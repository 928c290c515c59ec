"""The wall between tenants holds without the ORM's help."""

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from contacts.models import Contact
from contacts.services import contacts
from core import tenancy

TENANT_TABLES = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'environment_id' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
"""


def count_contacts() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM contacts_contact")
        return int(cursor.fetchone()[0])


class TestTheWall:
    def test_shows_nobody_anything_until_bound(self, live):
        contacts.create(environment=live, fields={"name": "Amine"})

        tenancy.release()

        assert count_contacts() == 0

    def test_shows_one_tenant_only_its_rows_even_without_any_filter(self, live, globex):
        contacts.create(environment=live, fields={"name": "Amine"})
        contacts.create(environment=globex, fields={"name": "Hank"})

        with tenancy.one(globex.pk):
            names = list(Contact.unscoped.values_list("name", flat=True))

        assert names == ["Hank"]

    def test_walls_sandbox_off_from_live(self, live, sandbox):
        contacts.create(environment=live, fields={"name": "Amine"})

        with tenancy.one(sandbox.pk):
            assert count_contacts() == 0

    def test_refuses_to_write_for_another_tenant(self, live, globex):
        with (
            tenancy.one(globex.pk),
            pytest.raises(ProgrammingError, match="row-level security"),
            transaction.atomic(),
        ):
            Contact.unscoped.create(environment=live, name="Planted")

    def test_changes_nothing_of_another_tenant(self, live, globex):
        amine = contacts.create(environment=live, fields={"name": "Amine"})

        with tenancy.one(globex.pk):
            touched = Contact.unscoped.filter(pk=amine.pk).update(name="Owned")

        amine.refresh_from_db()
        assert (touched, amine.name) == (0, "Amine")

    def test_stands_around_every_table_that_has_a_tenant(self, db):
        with connection.cursor() as cursor:
            cursor.execute(TENANT_TABLES)
            tables = cursor.fetchall()

        assert len(tables) > 10
        assert [name for name, enabled, forced in tables if not (enabled and forced)] == []

    def test_binds_the_application_to_a_role_that_cannot_climb_it(self, db):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == ("dexra_app", False, False)

    def test_hides_the_days_of_the_log_behind_their_parent(self, db):
        with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
            cursor.execute("SELECT count(*) FROM events_event_default")


class TestStartClean:
    def test_lets_the_next_request_see_nothing_of_the_last_ones_tenant(self, live):
        contacts.create(environment=live, fields={"name": "Amine"})
        tenancy.bind(live.pk)

        tenancy.start_clean()
        with connection.execute_wrapper(tenancy.reset_stale):
            seen = count_contacts()

        assert seen == 0

    def test_keeps_what_the_request_itself_bound(self, live):
        contacts.create(environment=live, fields={"name": "Amine"})

        tenancy.start_clean()
        with connection.execute_wrapper(tenancy.reset_stale):
            tenancy.bind(live.pk)

            assert count_contacts() == 1

    def test_does_not_take_what_is_left_over_for_what_was_asked_for(self, live):
        contacts.create(environment=live, fields={"name": "Amine"})
        tenancy.bind(tenancy.EVERYONE)

        tenancy.start_clean()
        with connection.execute_wrapper(tenancy.reset_stale), tenancy.everyone():
            assert count_contacts() == 1

    def test_keeps_the_next_request_blind_after_a_rollback_brought_the_old_tenant_back(self, transactional_db, live):
        contacts.create(environment=live, fields={"name": "Amine"})
        tenancy.bind(live.pk)

        tenancy.start_clean()
        with connection.execute_wrapper(tenancy.reset_stale):
            with transaction.atomic():
                count_contacts()
                transaction.set_rollback(True)

            assert count_contacts() == 0

    def test_keeps_a_request_blind_whose_key_could_not_even_be_looked_up(self, transactional_db, live):
        contacts.create(environment=live, fields={"name": "Amine"})
        tenancy.bind(live.pk)

        tenancy.start_clean()
        with connection.execute_wrapper(tenancy.reset_stale):
            with pytest.raises(DatabaseError):
                tenancy.enter("SELECT 1/0", [])

            assert count_contacts() == 0

    def test_lets_a_failed_statement_be_rolled_back_to_its_savepoint(self, transactional_db, live):
        tenancy.bind(live.pk)

        tenancy.start_clean()
        with connection.execute_wrapper(tenancy.reset_stale), transaction.atomic():
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT 1/0")

            assert count_contacts() == 0
