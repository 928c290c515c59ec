"""Chatwoot's callbacks: every one of them as a file, and the rules between our events and theirs."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.services import contacts, sessions
from conversations.models import Message
from conversations.services import automatic, conversations, messages, people
from conversations.services.messages import Author, Draft
from inboxes.models import Inbox
from tests.conftest import open_inbox
from tests.webhooks import story
from tests.webhooks.telling import compare, listen, queued, told
from webhooks import bodies, dialect
from webhooks.models import Endpoint

CHATWOOT = Endpoint.Dialect.CHATWOOT


@pytest.fixture
def shop(live):
    """An endpoint that wants everything, in Chatwoot's words."""
    return listen(live, dialect=CHATWOOT)


@pytest.fixture
def callback(live, inbox):
    """The inbox's own callback."""
    return listen(live, dialect=CHATWOOT, inbox=inbox)


@pytest.fixture
def told_of(api, live, inbox, ada, shop, callback, relay):
    """The bodies of the story, oldest first."""
    story.tell(api, live, inbox, ada)
    relay.drain()
    return told(shop)


def first(bodies, name, **having):
    return next(
        body for body in bodies if body["event"] == name and all(body.get(key) == it for key, it in having.items())
    )


class TestGolden:
    def test_every_callback_is_as_its_file_says(self, told_of):
        for name in dialect.TYPES:
            compare(f"chatwoot/{name}", first(told_of, name))
        compare("chatwoot/message_created_by_agent", first(told_of, "message_created", content="Sorry!"))
        compare("chatwoot/message_created_private", first(told_of, "message_created", private=True))

    def test_a_message_with_files(self, client, live, inbox, shop, relay):
        visitor = story.Visitor(inbox, name="Amine")
        file = SimpleUploadedFile("pixel.gif", b"GIF89a", content_type="image/gif")
        client.post(f"{visitor.talk}/messages", {"content": "Look", "attachments[]": file})
        relay.drain()

        [told_of_it] = told(shop, "message_created")
        assert told_of_it["attachments"][0]["file_type"] == "image"
        assert told_of_it["attachments"][0]["file_size"] == 6
        assert told_of_it["attachments"] == told_of_it["conversation"]["messages"][0]["attachments"]


class TestStory:
    def test_is_told_in_their_words(self, told_of):
        assert [body["event"] for body in told_of] == [
            "contact_created",
            "conversation_created",
            "message_created",  # Hello
            "message_created",  # On its way
            "message_created",  # a note
            "message_created",  # Sorry
            "message_updated",
            "message_updated",
            "conversation_updated",  # priority and all that
            "conversation_status_changed",
            "conversation_updated",
            "contact_updated",  # a tag
            "contact_updated",  # attributes
        ]

    def test_reaches_an_inbox_s_callback_without_what_happens_to_people(self, told_of, shop, callback):
        assert told(callback) == [body for body in told_of if not body["event"].startswith("contact_")]

    def test_never_shows_anybody_s_token(self, told_of, session):
        assert all(
            body["contact_inbox"]["pubsub_token"] == "" for body in told_of if body["event"].startswith("conversation")
        )
        assert "pubsub_token" in json.dumps(told_of)

    def test_lists_what_changed_in_raw_values(self, told_of, ada):
        changed = {
            name: (change["previous_value"], change["current_value"])
            for each in first(told_of, "conversation_updated")["changed_attributes"]
            for name, change in each.items()
        }

        assert changed["priority"] == (None, "high")
        assert changed["label_list"] == ([], ["late"])
        assert changed["assignee_id"] == (None, ada.pk)
        assert changed["team_id"][0] is None
        assert isinstance(changed["team_id"][1], int)
        assert changed["custom_attributes"] == ({}, {"order": 42})

    def test_fills_in_what_a_new_status_replaces(self, told_of):
        changed = first(told_of, "conversation_status_changed")["changed_attributes"]

        assert changed == [{"status": {"previous_value": "open", "current_value": "resolved"}}]


class TestMessages:
    def test_have_a_word_outside_and_a_number_inside(self, told_of):
        body = first(told_of, "message_created", message_type="incoming")
        [inside] = body["conversation"]["messages"]

        assert (inside["message_type"], inside["id"]) == (0, body["id"])
        assert isinstance(inside["created_at"], int)
        assert isinstance(body["created_at"], str)
        assert not {"status", "conversation_id", "echo_id"} & body.keys()

    def test_have_plain_line_breaks(self, told_of):
        body = first(told_of, "message_created", message_type="incoming")
        [inside] = body["conversation"]["messages"]

        text = "Hello, where is my order?\nThank you!"
        assert (body["content"], inside["content"], inside["processed_message_content"]) == (text, text, text)

    @pytest.mark.parametrize(
        ("said", "told_as"),
        [
            pytest.param("a\\\nb", "a\nb", id="hard break"),
            pytest.param("a\\\r\nb", "a\r\nb", id="hard break of Windows"),
            pytest.param("a\\\\nb", "a\\\\nb", id="no break"),
            pytest.param(" a \n\n", " a ", id="trailing lines"),
            pytest.param("\n \n", "\n \n", id="blank"),
            pytest.param("", "", id="empty"),
            pytest.param(None, None, id="none"),
        ],
    )
    def test_keep_every_other_blank(self, conversation, said, told_as):
        assert dialect._content(Message(text=said), conversation) == told_as

    def test_of_the_system_have_no_sender(self, live, shop, relay):
        inbox = open_inbox(live, greeting_enabled=True, greeting_message="Welcome!")
        story.Visitor(inbox, name="Amine").say("Hi")
        relay.drain()

        greeting = first(told(shop), "message_created", content="Welcome!")
        assert (greeting["message_type"], greeting["sender"]) == ("template", None)

    def test_ask_how_it_went_with_a_link_where_no_widget_shows_it(self, live, shop, relay, settings):
        for channel in (Inbox.Channel.API, Inbox.Channel.WEB):
            inbox = open_inbox(live, csat_survey_enabled=True)
            Inbox.of(live).filter(pk=inbox.pk).update(channel=channel)
            inbox.refresh_from_db()
            session = sessions.open_session(inbox=inbox, fields={})
            talk = conversations.start(session=session)
            conversations.update(conversation=talk, fields={"status": "closed"})
        relay.drain()

        api, web = [body["content"] for body in told(shop, "message_created")]
        assert api.startswith(f"{automatic.SURVEY_QUESTION} {settings.BASE_URL}/survey/responses/")
        assert web == automatic.SURVEY_QUESTION

    def test_traces_of_what_was_done_are_not_sent(self, conversation, shop, relay):
        conversations.update(conversation=conversation, fields={"status": "closed"})
        relay.drain()

        assert "message_created" not in queued(shop)


class TestConversations:
    def test_are_told_as_they_were_when_it_happened(self, conversation, shop, relay):
        for status in ("closed", "open", "pending"):
            conversations.update(conversation=conversation, fields={"status": status})
        relay.drain()

        statuses = [body["status"] for body in told(shop, "conversation_status_changed")]
        assert statuses == ["resolved", "open", "pending"]

    def test_show_what_was_said_last_at_the_time(self, conversation, shop, relay):
        for text in ("one", "two"):
            messages.send(conversation=conversation, author=Author("api"), draft=Draft(text))
        relay.drain()

        last = [body["conversation"]["messages"][0]["content"] for body in told(shop, "message_created")]
        assert last == ["one", "two"]

    def test_changes_they_have_no_word_for_are_not_told(self, conversation, shop, relay):
        relay.drain()
        conversations.update(conversation=conversation, fields={"subject": "Order 42", "tags": ["vip"]})
        relay.drain()

        assert queued(shop) == ["contact_created", "conversation_created"]

    def test_snoozes_are_told_with_their_end(self, api, conversation, shop, relay):
        api.patch(f"/v1/conversations/{conversation.public_id}", {"snoozed_until": "2030-01-01T09:00:00Z"})
        relay.drain()

        body = first(told(shop), "conversation_updated")
        assert (body["status"], body["snoozed_until"]) == ("snoozed", "2030-01-01T09:00:00.000Z")
        assert {"snoozed_until": {"previous_value": None, "current_value": "2030-01-01T09:00:00.000Z"}} in (
            body["changed_attributes"]
        )


class TestContacts:
    def test_changes_they_have_no_word_for_are_not_told(self, live, shop, relay):
        contact = contacts.create(environment=live, fields={"name": "Amine"})
        contacts.update(contact=contact, fields={"user_type": "premium"})
        relay.drain()

        assert queued(shop) == ["contact_created"]

    def test_that_were_merged_away_meanwhile_are_nobody(self, live, shop, relay):
        gone, kept = (contacts.create(environment=live, fields={"name": name}) for name in ("a", "b"))
        people.merge(source=gone, into=kept)
        relay.drain()

        assert [body["name"] for body in told(shop)] == ["b"]


class TestNames:
    def test_of_every_event_are_names_one_can_subscribe_to(self):
        named = {name for names in dialect.OF_EVENTS.values() for name in names} - {bodies.TEST}

        assert named | {"conversation_updated", "conversation_status_changed"} == set(dialect.TYPES)
