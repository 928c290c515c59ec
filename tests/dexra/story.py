"""A day at Acme, told in requests: what the API reference shows as examples really happened here."""

import json
import re
from typing import Any

from accounts.models import Environment
from accounts.views import database_away, envelope
from events.relay import Relay
from tests.conftest import mint
from tests.servers import Server

VOLATILE = [
    (re.compile(r"\b[a-z]{2,5}_[0-9A-Za-z]{12,24}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "<time>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"dx_sk_live_…\w{4}"), "<hint>"),
    (re.compile(r'(?<="next_cursor": ")[\w-]+'), "<cursor>"),
    (re.compile(r"\b[1-9A-HJ-NP-Za-km-z]{24}\b"), "<token>"),
]


class Story:
    """Makes requests and remembers, for each operation, the first answer that is worth showing."""

    def __init__(self, api: Server) -> None:
        self.api = api
        self.told: dict[str, dict[str, Any]] = {}

    def tell(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """Make a request and keep it under the operation's id; returns the answer's JSON."""
        answer = self.api.send(method, path, body)
        kept = {} if body is None else {"request": body}
        return self.keep(name, answer, **kept)

    def keep(self, name: str, answer: Any, **kept: Any) -> Any:
        """Keep an answer under a name; returns its JSON."""
        self.told[name] = {**kept, "status": answer.status_code, "response": answer.json()}
        return answer.json()


def tell(api: Server, live: Environment, relay: Relay) -> dict[str, dict[str, Any]]:
    """Return ``{operation id: {request, status, response}}``, and each error under its name."""
    story = Story(api)
    story.tell("get_account", "GET", "/v1/account")
    _inboxes(story)
    amine = _people(story)
    talk = _conversation(story, amine)
    _events(story, relay, talk)
    _errors(story, live, amine)
    _goodbye(story)
    return story.told


def masked(told: Any) -> Any:
    """Return the story with everything that differs from telling to telling masked."""
    text = json.dumps(told, ensure_ascii=False)
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return json.loads(text)


def _inboxes(story: Story) -> None:
    opened = story.tell("create_inbox", "POST", "/v1/inboxes", {
        "name": "Shop", "channel": "api", "greeting_enabled": True,
        "greeting_message": "Welcome! How can we help?"})  # fmt: skip
    path = f"/v1/inboxes/{opened['id']}"
    story.tell("get_inbox", "GET", path)
    story.tell("list_inboxes", "GET", "/v1/inboxes")
    story.tell("update_inbox", "PATCH", path, {"time_zone": "Africa/Casablanca", "csat_survey_enabled": True})
    story.tell("rotate_inbox_hmac", "POST", f"{path}/rotate-hmac")
    spare = story.api.post("/v1/inboxes", {"name": "Spare", "channel": "web"}).json()
    story.tell("delete_inbox", "DELETE", f"/v1/inboxes/{spare['id']}")


def _people(story: Story) -> Any:
    amine = story.tell("upsert_user", "PUT", "/v1/users/customer-42", {
        "first_name": "Amine", "last_name": "Alaoui", "email": "amine@example.com", "user_type": "premium",
        "custom_attributes": {"customer_lifetime_value": 7200, "plan": "gold"}, "tags": ["Hot Lead"]})  # fmt: skip
    story.tell("get_user", "GET", "/v1/users/customer-42")
    story.tell("list_users", "GET", "/v1/users?tag=Hot%20Lead&include=total")
    story.tell("update_user", "PATCH", f"/v1/users/{amine['id']}", {"phone_number": "+212600000001"})
    story.tell("add_user_tags", "POST", "/v1/users/customer-42/tags", {"tags": ["Trial Expired"]})
    story.tell("remove_user_tag", "DELETE", "/v1/users/customer-42/tags/Hot%20Lead")
    story.api.put("/v1/users/visitor-7", {"name": "Visitor", "language": "fr"})
    story.tell("merge_users", "POST", "/v1/users/merge", {"from": "visitor-7", "into": "customer-42"})
    return amine


def _conversation(story: Story, amine: Any) -> Any:
    talk = story.tell(
        "create_conversation",
        "POST",
        "/v1/conversations",
        {"user_id": "customer-42", "subject": "Order 1042", "tags": ["order"], "text": "Your order is on its way."},
    )
    path = f"/v1/conversations/{talk['id']}"  # fmt: skip
    said = story.tell("create_message", "POST", f"{path}/messages", {
        "text": "It arrives tomorrow.", "as_agent": "ada@acme.test", "metadata": {"order": "1042"}})  # fmt: skip
    story.tell("get_message", "GET", f"/v1/messages/{said['id']}")
    story.tell("list_messages", "GET", f"{path}/messages")
    story.tell("update_conversation", "PATCH", path, {
        "assignee": "ada@acme.test", "priority": "high", "custom_attributes": {"order": 1042}})  # fmt: skip
    story.tell("get_conversation", "GET", path)
    story.tell("list_conversations", "GET", f"/v1/conversations?status=open&user_id={amine['id']}")
    return talk


def _events(story: Story, relay: Relay, talk: Any) -> None:
    relay.drain()
    start = story.api.get("/v1/changes").json()["latest"]
    story.api.patch(f"/v1/conversations/{talk['id']}", {"status": "closed"})
    story.api.put("/v1/users/visitor-8", {"name": "Visitor"})
    story.api.post("/v1/users/merge", {"from": "visitor-8", "into": "customer-42"})
    relay.drain()
    [event, *_] = story.tell("list_events", "GET", "/v1/events?types=user_updated&limit=1")["data"]
    story.tell("get_event", "GET", f"/v1/events/{event['id']}")
    story.tell("list_changes", "GET", f"/v1/changes?since={start}")


def _errors(story: Story, live: Environment, amine: Any) -> None:
    api = story.api
    story.keep("BadRequest", api.send("PUT", "/v1/users/customer-42", b'{"name": '))
    story.keep("NotAuthenticated", Server(None).get("/v1/users"))
    story.keep("NotAllowed", Server(mint(live, "events:read")).get("/v1/users"))
    story.keep("NotFound", api.get("/v1/users/nobody"))
    story.keep("Conflict", api.put("/v1/users/customer-43", {"email": amine["email"]}))
    gone = api.put("/v1/users/visitor-9", {"name": "Visitor"}).json()
    api.post("/v1/users/merge", {"from": "visitor-9", "into": "customer-42"})
    story.keep("Gone", api.get(f"/v1/users/{gone['id']}"))
    story.keep("TooLarge", api.send("PUT", "/v1/users/customer-42", b" " * (1024 * 1024 + 1)))
    story.keep("UnsupportedMediaType", api.send("PUT", "/v1/users/customer-42", b"<user/>", content_type="text/xml"))
    story.keep("Invalid", api.put("/v1/users/customer-42", {"first_name": 42, "country": "x" * 61}))
    story.told["Unavailable"] = {"status": 503, "response": envelope(database_away())}
    hasty = Server(mint(live))
    answers = [hasty.get("/v1/account") for _ in range(101)]
    story.keep("TooMany", answers[-1])


def _goodbye(story: Story) -> None:
    story.api.put("/v1/users/customer-44", {"first_name": "Bouchra"})
    story.api.post("/v1/conversations", {"user_id": "customer-44", "text": "Thank you for your visit."})
    story.tell("export_user", "GET", "/v1/users/customer-44/export")
    story.tell("delete_user", "DELETE", "/v1/users/customer-44")
