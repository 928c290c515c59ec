"""What happens to Amine at Acme: everything that webhooks tell of, up to the end."""

import json
from typing import Any

from django.test import Client

from accounts.models import Environment, User
from accounts.services import audit
from conversations.services import teams
from inboxes.models import Inbox
from tests.servers import Server, _unbound

PERSON = {
    "first_name": "Amine", "email": "amine@example.test", "tags": ["lead"],
    "custom_attributes": {"customer_lifetime_value": 7200, "ratio": 0.5, "vip": True, "nom": "Émilie", "tiers": [1]},
}  # fmt: skip


class Visitor:
    """A person's browser on the client API."""

    def __init__(self, inbox: Inbox, **person: Any) -> None:
        self._web = Client()
        self._contacts = f"/public/api/v1/inboxes/{inbox.identifier}/contacts"
        self.source_id = self._send("POST", self._contacts, person)["source_id"]
        self.talk = f"{self._contacts}/{self.source_id}/conversations"
        self.number = self._send("POST", self.talk)["id"]
        self.talk = f"{self.talk}/{self.number}"

    def say(self, text: str, **more: Any) -> Any:
        """Write a message."""
        return self._send("POST", f"{self.talk}/messages", {"content": text, **more})

    def look(self) -> None:
        """Look at what was answered."""
        _unbound(lambda: self._web.post(f"{self.talk}/update_last_seen"))

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        data = "" if body is None else json.dumps(body)
        answer = _unbound(lambda: self._web.generic(method, path, data, content_type="application/json"))
        assert answer.status_code == 200, answer.content
        return answer.json()


def tell(api: Server, live: Environment, inbox: Inbox, ada: User) -> dict[str, Any]:
    """Let it happen; returns the ``conversation`` as the API shows it."""
    api.put("/v1/users/c-1", PERSON)
    visitor = Visitor(inbox, identifier="c-1")
    visitor.say("Hello, where is my order?\\\nThank you!\n\n", echo_id="tmp-1")
    [talk] = api.get("/v1/conversations").json()["data"]
    path = f"/v1/conversations/{talk['id']}"
    api.post(f"{path}/messages", {"text": "On its way.", "metadata": {"order": "42"}})
    api.post(f"{path}/messages", {"text": "They are angry.", "private": True, "as_agent": ada.email})
    api.post(f"{path}/messages", {"text": "Sorry!", "as_agent": ada.email})
    visitor.look()
    teams.create(environment=live, name="Returns", by=audit.SYSTEM)
    api.patch(path, {"priority": "high", "labels": ["late"], "assignee": ada.email, "team": "Returns",
                     "custom_attributes": {"order": 42}})  # fmt: skip
    api.patch(path, {"subject": "Order 42"})
    api.patch(path, {"status": "closed"})
    api.post("/v1/users/c-1/tags", {"tags": ["Hot Lead"]})
    api.patch(
        "/v1/users/c-1", {"custom_attributes": {"customer_lifetime_value": 7300}, "phone_number": "+212600000001"}
    )
    api.patch("/v1/users/c-1", {"user_type": "premium"})
    api.put("/v1/users/c-0", {"first_name": "Amine"})
    api.post("/v1/users/merge", {"from": "c-0", "into": "c-1"})
    return api.get(path).json()


def end(api: Server) -> None:
    """Erase them."""
    assert api.delete("/v1/users/c-1").status_code == 200
