"""A page of a business's that speaks the SDK's door."""

import time
from typing import Any

import jwt

from accounts.models import User
from contacts.models import Contact, ContactSession
from conversations.models import Conversation, Message
from conversations.services import messages
from conversations.services.messages import Author, Draft
from core import ids
from events.models import LoggedEvent
from inboxes.models import Inbox
from tests.servers import Server

DOOR = "/client/v1"
MESSAGE = {"id", "conversation_id", "direction", "author", "message_type", "text", "content_type", "content_attributes",
           "attachments", "status", "failure", "client_message_id", "edited_at", "deleted_at", "created_at",
           "updated_at"}  # fmt: skip


class Page(Server):
    """One page (or app): it opens a session, and asks with its token."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(None)
        self.inbox = inbox
        self.opened: Any = {}

    def open(self, **said: Any) -> Any:
        """Open a session; its token goes with everything that follows."""
        answer = self.knock(**said)
        assert answer.status_code in {200, 201}, answer.content
        self.opened = answer.json()
        self.headers["Authorization"] = f"Bearer {self.opened['token']}"
        return self.opened

    def knock(self, **said: Any) -> Any:
        """Ask for a session and return the answer, whatever it is."""
        return self.post("/sessions", {"inbox": self.inbox.identifier, **said})

    def send(self, method: str, path: str, body: Any = None, **named: Any) -> Any:
        """Send JSON below the door."""
        return super().send(method, DOOR + path, body, **named)

    def get(self, path: str, **query: Any) -> Any:
        """GET below the door."""
        return super().get(DOOR + path, **query)

    def upload(self, path: str, form: dict[str, Any], **headers: str) -> Any:
        """POST a form below the door."""
        return super().upload(DOOR + path, form, **headers)

    def begin(self, text: str = "Hello", name: str = "m-1") -> Any:
        """Begin a conversation; returns it with its messages."""
        return self.post("/conversations", {"message": {"text": text, "client_message_id": name}}).json()

    def say(self, talk: Any, text: str = "Hello", name: str = "m-2", **more: Any) -> Any:
        """Say something in a conversation; returns the answer."""
        body = {"text": text, "client_message_id": name, **more}
        return self.post(f"/conversations/{talk['id']}/messages", body)


def signed(inbox: Inbox, *, key: str = "", alg: str = "HS256", **claims: Any) -> dict[str, str]:
    """Return an identity that the business's server signed; None takes a claim out."""
    said = {"sub": "c-1", "exp": int(time.time()) + 600, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return {"token": jwt.encode(said, key or inbox.hmac_token, algorithm=alg)}


def error(answer: Any) -> tuple[int, str]:
    """Return the status and code of a refusal, which a page can read and which says more in words."""
    said = answer.json()["error"]
    assert said["message"]
    assert said["request_id"] == answer["Request-Id"]
    assert answer["Access-Control-Allow-Origin"] == "*"
    return answer.status_code, said["code"]


def row(talk: Any) -> Conversation:
    """Return a conversation that a page was shown, as the business has it."""
    return complete_conversation(ids.decode("conv", talk["id"]))


def complete_conversation(pk: int | None) -> Conversation:
    """Return a conversation with all that services want to know of it."""
    around = ("environment", "inbox", "contact", "session__environment", "assignee", "team")
    return Conversation.unscoped.select_related(*around).get(pk=pk)


def answer(talk: Any, text: str = "Yes?", user: User | None = None, **more: Any) -> Message:
    """Answer in a conversation that a page was shown: as an agent, or as the business's program."""
    author = Author("agent", user) if user else Author("api")
    return messages.send(conversation=row(talk), author=author, draft=Draft(text, **more))


def contact_of(page: Page) -> Contact:
    """Return the person in front of a page."""
    return ContactSession.unscoped.get(source_id=page.opened["source_id"]).contact


def told(kind: str, contact: Contact) -> int:
    """Return how many events of a kind tell of a person."""
    return LoggedEvent.unscoped.filter(type=kind, context__contact_id=contact.pk).count()
