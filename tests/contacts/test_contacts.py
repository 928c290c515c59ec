"""People: found, made, changed."""

import threading

import pytest
from django.db import connection

from contacts.errors import AlreadyTaken, ContactGone
from contacts.models import Contact
from contacts.services import contacts, sessions
from core import tenancy
from core.errors import Invalid
from events.models import LoggedEvent
from inboxes.errors import SignatureMismatch


def last_event() -> LoggedEvent:
    return LoggedEvent.unscoped.latest("id")


class TestCreate:
    def test_gives_a_nameless_person_a_name(self, live):
        assert contacts.create(environment=live, fields={}).name

    def test_makes_a_full_name_of_first_and_last(self, live):
        made = contacts.create(environment=live, fields={"first_name": "Amine", "last_name": "Berrada"})

        assert made.name == "Amine Berrada"

    def test_keeps_the_types_of_custom_attributes(self, live):
        given = {"lifetime_value": 7200, "trial": True, "score": 1.5, "plan": "pro", "seats": ["a", "b"]}

        made = contacts.create(environment=live, fields={"custom_attributes": given})

        made.refresh_from_db()
        assert made.custom_attributes == given

    def test_names_every_wrong_field_at_once(self, live):
        with pytest.raises(Invalid) as refused:
            contacts.create(environment=live, fields={"email": "nobody", "phone_number": "0600", "name": "x" * 256})

        assert {problem.field for problem in refused.value.problems} == {"email", "phone_number", "name"}

    def test_refuses_an_email_somebody_has_in_any_case(self, live):
        contacts.create(environment=live, fields={"email": "Amine@Example.test"})

        with pytest.raises(AlreadyTaken):
            contacts.create(environment=live, fields={"email": "amine@example.TEST"})

    def test_lets_two_businesses_know_the_same_person(self, live, globex):
        for environment in (live, globex):
            contacts.create(environment=environment, fields={"email": "amine@example.test"})

        assert Contact.unscoped.filter(email="amine@example.test").count() == 2


class TestUpdate:
    def test_tells_what_changed_and_which_tags_came_and_went(self, live):
        amine = contacts.create(environment=live, fields={"tags": ["trial"]})

        contacts.update(contact=amine, fields={"tags": ["hot lead"], "country": "MA"})

        data = last_event().data
        assert data["changes"]["country"] == {"from": "", "to": "MA"}
        assert (data["tags_added"], data["tags_removed"]) == (["hot lead"], ["trial"])

    def test_says_nothing_when_nothing_changed(self, live):
        amine = contacts.create(environment=live, fields={"name": "Amine"})
        before = LoggedEvent.unscoped.count()

        contacts.update(contact=amine, fields={"name": "Amine"})

        assert LoggedEvent.unscoped.count() == before

    def test_merges_custom_attributes_and_removes_those_set_to_null(self, live):
        amine = contacts.create(environment=live, fields={"custom_attributes": {"a": 1, "b": {"c": 2}}})

        changed = contacts.update(contact=amine, fields={"custom_attributes": {"a": None, "b": {"d": 3}}})

        assert changed.custom_attributes == {"b": {"c": 2, "d": 3}}

    def test_refuses_to_change_a_tombstone(self, live):
        amine = contacts.create(environment=live, fields={"name": "Amine"})
        Contact.unscoped.filter(pk=amine.pk).update(erased_at=amine.created_at)

        with pytest.raises(ContactGone):
            contacts.update(contact=amine, fields={"name": "Back"})


class TestUpsert:
    def test_makes_one_person_however_many_servers_ask_at_once(self, transactional_db, live):
        def ask() -> None:
            with tenancy.one(live.pk):
                contacts.upsert(environment=live, external_id="42", fields={"name": "Amine"})
            connection.close()

        servers = [threading.Thread(target=ask) for _ in range(6)]
        for server in servers:
            server.start()
        for server in servers:
            server.join()

        assert Contact.unscoped.filter(external_id="42").count() == 1


class TestOpenSession:
    def test_returns_the_known_session_unchanged(self, inbox):
        first = sessions.open_session(inbox=inbox, source_id="browser-1", fields={"name": "Amine"})
        again = sessions.open_session(inbox=inbox, source_id="browser-1", fields={"name": "Mallory"})

        assert (again.pk, again.contact.name) == (first.pk, "Amine")

    def test_gives_an_unsigned_claim_of_a_verified_persons_address_a_person_of_its_own(self, inbox):
        fields = {"email": "amine@example.test", "external_id": "42"}
        proven = sessions.open_session(inbox=inbox, fields=fields, verified=True)

        claimed = sessions.open_session(inbox=inbox, fields=fields)

        assert claimed.contact_id != proven.contact_id
        assert claimed.contact.email is None


class TestVerify:
    def test_refuses_proof_of_being_somebody_else(self, inbox):
        session = sessions.open_session(inbox=inbox, fields={"external_id": "42"})

        with pytest.raises(SignatureMismatch):
            sessions.verify(session=session, external_id="43")

    def test_marks_session_and_person_as_proven(self, session):
        sessions.verify(session=session, external_id="42")

        session.refresh_from_db()
        assert session.verified
        assert (session.contact.verified, session.contact.external_id) == (True, "42")
