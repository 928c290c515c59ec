"""Messages that are more than words: sent by the API, drawn by clients, answered by people."""

import pytest

from contacts.services import sessions
from conversations.models import Message
from conversations.services import answers, conversations
from inboxes.models import Inbox
from tests.outbound.messaging import open_on
from tests.servers import wrong_fields

FORM = [
    {"name": "size", "label": "Your size", "type": "select", "options": [{"label": "Small", "value": "s"}]},
    {"name": "note", "label": "Anything else?", "type": "text_area"},
]
CARD = {
    "title": "Blue shirt",
    "media_url": "https://shop.example.com/blue.png",
    "actions": [
        {"type": "link", "text": "Look", "uri": "https://shop.example.com/blue"},
        {"type": "postback", "text": "Take it", "payload": "blue"},
    ],
}
ARTICLE = {"title": "How to return", "link": "https://shop.example.com/return"}


@pytest.fixture
def talk(live):
    inbox = Inbox.of(live).create(environment=live, name="Web", channel="web")
    session = sessions.open_session(inbox=inbox, source_id="", fields={}, verified=False)
    return conversations.start(session=session)


@pytest.fixture
def words(talk):
    return f"/v1/conversations/{talk.public_id}/messages"


class TestRichMessages:
    @pytest.mark.parametrize(
        ("rich", "content_type", "items"),
        [
            ({"cards": [CARD]}, "cards", [CARD]),
            ({"form": FORM, "button_label": "Send"}, "form", FORM),
            ({"articles": [ARTICLE]}, "article", [ARTICLE]),
            ({"ask": "email"}, "input_email", None),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_are_drawn_by_clients(self, api, words, rich, content_type, items):
        answer = api.post(words, {"text": "Here", "rich": rich})

        assert answer.status_code == 201
        message = Message.unscoped.get()
        assert (message.content_type, message.content_attributes.get("items")) == (content_type, items)
        assert answer.json()["payload"]["rich"]["type"] == content_type

    def test_show_what_was_answered(self, api, words, talk):
        api.post(words, {"text": "Here", "rich": {"form": FORM}})
        said = [{"name": "size", "title": "Your size", "value": "s"}]

        answers.submit(conversation=talk, message=Message.unscoped.get(), values=said)

        [shown] = api.get(words).json()["data"]
        assert shown["payload"]["rich"]["submitted_values"] == said

    @pytest.mark.parametrize(
        ("said", "wrong"),
        [
            ({"rich": {"cards": [CARD]}}, {"rich"}),
            ({"text": "Here", "rich": {}}, {"rich"}),
            ({"text": "Here", "rich": {"cards": [CARD], "ask": "email"}}, {"rich"}),
            ({"text": "Here", "rich": {"cards": [{"title": "x"}] * 11}}, {"rich.cards"}),
            ({"text": "Here", "rich": {"cards": [{"title": "x", "media_url": "javascript:1"}]}},
             {"rich.cards.0.media_url"}),
            ({"text": "Here", "rich": {"form": [{"name": "a", "label": "A", "type": "select"}]}},
             {"rich.form.0.options"}),
            ({"text": "Here", "rich": {"cards": [{"title": "x", "actions": [{"type": "link", "text": "Go"}]}]}},
             {"rich.cards.0.actions.0.uri"}),
            ({"text": "Here", "private": True, "rich": {"ask": "text"}}, {"rich"}),
        ],
    )  # fmt: skip
    def test_name_what_is_wrong(self, api, words, said, wrong):
        assert set(wrong_fields(api.post(words, said))) == wrong
        assert not Message.unscoped.exists()

    def test_are_refused_where_nothing_draws_them(self, api, live):
        inbox = open_on(live, "sms")
        session = sessions.open_session(inbox=inbox, source_id="+212600000001", fields={}, verified=False)
        words = f"/v1/conversations/{conversations.start(session=session).public_id}/messages"

        assert wrong_fields(api.post(words, {"text": "Here", "rich": {"ask": "email"}})) == {"rich": "unsupported"}
