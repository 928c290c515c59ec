"""Bringing records together."""

import pytest

from contacts.errors import ContactGone
from contacts.models import Contact, ContactSession
from contacts.queries import find_session
from contacts.services import contacts
from conversations.models import Conversation, Message, SurveyAnswer
from conversations.services import conversations, messages, people
from conversations.services.messages import Draft
from core.errors import Invalid, NotFound
from events.event import Actor
from events.models import LoggedEvent


@pytest.fixture
def zoe(live) -> Contact:
    """Somebody with little to say of herself."""
    return contacts.create(
        environment=live, fields={"name": "Zoé", "tags": ["b"], "custom_attributes": {"a": 1, "c": 3}}
    )


@pytest.fixture
def amine(session) -> Contact:
    """The person of the session."""
    return contacts.update(
        contact=session.contact,
        fields={"external_id": "42", "tags": ["a", "b"], "custom_attributes": {"a": 2, "d": 4}, "city": "Rabat"},
    )


class TestMerge:
    def test_moves_everything_over(self, amine, zoe, session, conversation):
        said = messages.receive(session=session, number=conversation.number, draft=Draft("Hello"))
        SurveyAnswer.unscoped.create(
            environment=said.environment, message=said, conversation=conversation, contact=amine, rating=5
        )

        people.merge(source=amine, into=zoe)

        for model in (ContactSession, Conversation, Message, SurveyAnswer):
            assert set(model.unscoped.values_list("contact_id", flat=True)) == {zoe.pk}

    def test_fills_in_what_the_survivor_lacks_and_keeps_what_they_have(self, amine, zoe):
        survivor = people.merge(source=amine, into=zoe)

        survivor.refresh_from_db()
        assert (survivor.name, survivor.email, survivor.external_id) == ("Zoé", "amine@example.test", "42")
        assert (survivor.city, survivor.tags) == ("Rabat", ["b", "a"])
        assert survivor.custom_attributes == {"a": 1, "c": 3, "d": 4}

    def test_leaves_a_tombstone_with_nothing_personal_in_it(self, amine, zoe):
        people.merge(source=amine, into=zoe)

        amine.refresh_from_db()
        assert amine.merged_into_id == zoe.pk
        assert (amine.external_id, amine.email, amine.name, amine.tags) == (None, None, "", [])
        assert amine.custom_attributes == {}

    def test_is_told_once(self, amine, zoe):
        before = LoggedEvent.unscoped.count()

        people.merge(source=amine, into=zoe, actor=Actor("api"))

        [told] = LoggedEvent.unscoped.order_by("id")[before:]
        assert (told.type, told.actor_type) == ("user_merged", "api")
        assert told.data["merged_user_id"] == amine.public_id
        assert told.data["user"]["id"] == zoe.public_id

    def test_unblocks_nobody(self, amine, zoe):
        contacts.update(contact=amine, fields={"blocked": True})

        assert people.merge(source=amine, into=zoe).blocked

    def test_refuses_a_person_and_themselves(self, zoe):
        with pytest.raises(Invalid, match="into themselves"):
            people.merge(source=zoe, into=zoe)

    def test_refuses_tombstones_on_either_side(self, live, amine, zoe):
        people.merge(source=amine, into=zoe)
        third = contacts.create(environment=live, fields={})

        with pytest.raises(ContactGone):
            people.merge(source=amine, into=third)
        with pytest.raises(ContactGone):
            people.merge(source=third, into=amine)

    def test_knows_nobody_in_another_environment(self, zoe, sandbox):
        elsewhere = contacts.create(environment=sandbox, fields={})

        with pytest.raises(NotFound):
            people.merge(source=elsewhere, into=zoe)


def test_a_message_written_while_its_person_was_merged_belongs_to_the_survivor(inbox, session, conversation, zoe):
    stale = find_session(inbox, session.source_id) or session
    people.merge(source=session.contact, into=zoe)

    said = messages.receive(session=stale, number=conversation.number, draft=Draft("Hello"))

    assert Message.unscoped.get(pk=said.pk).contact_id == zoe.pk


def test_a_conversation_begun_while_its_person_was_merged_belongs_to_the_survivor(inbox, session, zoe):
    stale = find_session(inbox, session.source_id) or session
    people.merge(source=session.contact, into=zoe)

    assert conversations.start(session=stale).contact_id == zoe.pk
