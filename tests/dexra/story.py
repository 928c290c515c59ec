"""A day at Acme, told in requests: what the API reference shows as examples really happened here."""

import json
import re
import time
from datetime import timedelta
from typing import Any

import jwt
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Environment
from accounts.views import database_away, envelope
from conversations.models import Attachment, Message
from conversations.services import attachments
from core import ids
from events.relay import Relay
from inboxes.models import Inbox
from outbound.models import Attempt as Sent
from outbound.models import Dispatch
from tests.conftest import mint
from tests.servers import Server
from webhooks.models import Attempt, Delivery
from webhooks.services import replays

SECRET = "whsec_YSBzZWNyZXQgZm9yIHRoZSBkb2N1bWVudGF0aW9uICE="  # that of docs/webhooks.md: real ones set off scanners
VOLATILE = [
    (re.compile(r"\b[a-z]{2,5}_[0-9A-Za-z]{12,24}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z"), "<time>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"dx_sk_live_…\w{4}"), "<hint>"),
    (re.compile(r"v1,[\w+/]+="), "<signature>"),
    (re.compile(r"(?<=webhook-timestamp: )\d+"), "<seconds>"),
    (re.compile(r'(?<="next_cursor": ")[\w-]+'), "<cursor>"),
    (re.compile(r'(?<="position": ")[\w-]+'), "<position>"),
    (re.compile(r"\b[1-9A-HJ-NP-Za-km-z]{24}([1-9A-HJ-NP-Za-km-z]{8})?\b"), "<token>"),
    (re.compile(r'(?<=_id\\":)\d+|(?<=date\\":)\d+'), "<number>"),
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
        said = answer.json() if answer.content else None
        self.told[name] = {**kept, "status": answer.status_code, "response": said}
        return said


def tell(api: Server, live: Environment, relay: Relay) -> dict[str, dict[str, Any]]:
    """Return ``{operation id: {request, status, response}}``, and each error under its name."""
    story = Story(api)
    story.tell("get_account", "GET", "/v1/account")
    _inboxes(story)
    amine = _people(story)
    talk = _conversation(story, amine)
    _sending(story, live)
    _templates(story)
    _events(story, relay, talk)
    _webhooks(story, relay)
    _sandbox(story, live, relay)
    _browser(story, relay)
    _errors(story, live, amine)
    _goodbye(story)
    return story.told


def session(inbox: Inbox) -> Server:
    """Return somebody's browser, whose session is open."""
    opened = Server(None).post("/client/v1/sessions", {"inbox": inbox.identifier}).json()
    return Server(opened["token"])


def names_of(page: Server) -> dict[str, str]:
    """Return a name of something of a browser's own for every parameter of a path at the SDK's door."""
    said = {"message": {"text": "Hello", "client_message_id": "m-1"}}
    talk = page.post("/client/v1/conversations", said).json()
    return {"conversation_id": talk["id"], "message_id": talk["messages"][0]["id"]}


def names(api: Server, inbox: Inbox, relay: Relay) -> dict[str, str]:
    """Return a name of something that is there for every parameter of a path."""
    amine = api.put("/v1/users/c-1", {"tags": ["a"]}).json()
    talk = api.post("/v1/conversations", {"user_id": "c-1", "text": "Hello"}).json()
    relay.drain()
    endpoint = api.post("/v1/webhook-endpoints", {"url": "https://93.184.216.34/hooks"}).json()
    path, midnight = f"/v1/webhook-endpoints/{endpoint['id']}", f"{timezone.now():%Y-%m-%dT00:00:00Z}"
    template = {"name": "a", "language": "en", "category": "utility", "text": "Hello"}
    suppression = api.post("/v1/suppressions", {"channel": "sms", "address": "+212600000001"}).json()
    return {
        "template_id": api.post("/v1/templates", template).json()["id"], "suppression_id": suppression["id"],
        "user_id": amine["id"], "conversation_id": talk["id"], "message_id": talk["last_message"]["id"], "tag": "a",
        "inbox_id": inbox.public_id, "event_id": api.get("/v1/events").json()["data"][0]["id"],
        "endpoint_id": endpoint["id"], "delivery_id": api.post(f"{path}/test").json()["id"],
        "replay_id": api.post(f"{path}/replay", {"since": midnight}).json()["id"],
    }  # fmt: skip


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
    story.tell("show_typing", "POST", f"{path}/typing", {"is_typing": True, "as_agent": "ada@acme.test"})
    story.tell("show_ai_state", "POST", f"{path}/ai-state", {
        "state": "writing", "text": "Your order 1042 left our warehouse this"})  # fmt: skip
    story.tell("list_conversations", "GET", f"/v1/conversations?status=open&user_id={amine['id']}")
    return talk


def _sending(story: Story, live: Environment) -> None:
    settings = {
        "provider": "twilio",
        "account_sid": "AC" + "0" * 32,
        "auth_token": "never-used",
        "from": "+15005550006",
    }
    Inbox.unscoped.create(environment=live, name="Texts", channel="sms", settings=settings)
    story.tell("list_channels", "GET", "/v1/channels?channel=sms")
    said = story.tell("send_message", "POST", "/v1/send-message", {
        "recipient_id": "+212600000001", "channel": "sms", "message_type": "button", "on_unsupported": "adapt",
        "button": {"text": "Is 9 o'clock tomorrow fine?", "buttons": [
            {"id": "yes", "title": "Yes"}, {"title": "Another time", "url": "https://shop.example.com/when"}]},
        "category": "utility", "metadata": {"order": "1042"}})  # fmt: skip
    story.tell("create_sent_message", "POST", "/v1/messages", {
        "recipient_id": "customer-42", "channel": "api", "text": "Your order has arrived."})  # fmt: skip
    story.tell("cancel_message", "POST", f"/v1/messages/{said['id']}/cancel")
    failed = story.api.post("/v1/messages", {"recipient_id": "customer-42", "channel": "sms", "text": "Good news!"})
    # The engine's part: the provider could not deliver it.
    row = ids.decode("msg", failed.json()["id"])
    Message.unscoped.filter(pk=row).update(status="failed")
    Dispatch.unscoped.filter(message=row).update(state="failed", attempts=1, next_attempt_at=None)
    story.tell("retry_message", "POST", f"/v1/messages/{failed.json()['id']}/retry")
    picture = SimpleUploadedFile("plan.png", b"\x89PNG\r\n\x1a\n", content_type="image/png")
    story.keep("create_attachment", story.api.upload("/v1/attachments", {"file": picture}))
    attachments.remove([str(each.file.name) for each in Attachment.of(live).filter(message=None)])
    made = story.tell("create_suppression", "POST", "/v1/suppressions", {
        "channel": "sms", "address": "+212 600-000-009", "detail": "Asked us on the phone"})  # fmt: skip
    story.tell("list_suppressions", "GET", "/v1/suppressions?channel=sms")
    story.tell("delete_suppression", "DELETE", f"/v1/suppressions/{made['id']}")


def _templates(story: Story) -> None:
    made = story.tell("create_template", "POST", "/v1/templates", {
        "name": "order_arrived", "language": "en", "category": "utility",
        "text": "Hello {{name}}, your order {{order}} has arrived."})  # fmt: skip
    story.tell("get_template", "GET", f"/v1/templates/{made['id']}")
    story.tell("list_templates", "GET", "/v1/templates?status=approved")
    story.tell("delete_template", "DELETE", f"/v1/templates/{made['id']}")


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


def _webhooks(story: Story, relay: Relay) -> None:
    made = story.tell("create_webhook_endpoint", "POST", "/v1/webhook-endpoints", {
        "url": "https://93.184.216.34/hooks/dexra", "events": ["user_updated", "message_in"],
        "description": "The shop's CRM", "custom_headers": {"X-Shop-Key": "correct-horse-battery"}})  # fmt: skip
    story.told["create_webhook_endpoint"]["response"]["secret"] = SECRET
    path = f"/v1/webhook-endpoints/{made['id']}"
    story.tell("list_webhook_endpoints", "GET", "/v1/webhook-endpoints")
    story.tell("get_webhook_endpoint", "GET", path)
    story.tell("rotate_webhook_secret", "POST", f"{path}/rotate-secret", {"grace_seconds": 3600})
    story.told["rotate_webhook_secret"]["response"]["secret"] = SECRET
    story.tell("test_webhook_endpoint", "POST", f"{path}/test")
    story.api.patch("/v1/users/customer-42", {"tags": ["Hot Lead"]})
    relay.drain()
    _deliveries(story)
    _replays(story, path)
    story.tell("update_webhook_endpoint", "PATCH", path, {"state": "paused", "max_in_flight": 5})
    spare = story.api.post("/v1/webhook-endpoints", {"url": "https://93.184.216.34/old"}).json()
    story.tell("delete_webhook_endpoint", "DELETE", f"/v1/webhook-endpoints/{spare['id']}")


def _deliveries(story: Story) -> None:
    [sent] = [each for each in story.api.get("/v1/webhook-deliveries").json()["data"] if each["type"] == "user_updated"]
    delivery = Delivery.unscoped.get(pk=ids.decode("whd", sent["id"]))
    # The engine's part: the customer's server answered, and is asked again in five seconds.
    later = delivery.created_at + timedelta(seconds=5)
    Delivery.unscoped.filter(pk=delivery.pk).update(
        attempts=1, tries=1, last_error="http_status", next_attempt_at=later
    )
    Attempt.unscoped.create(
        environment_id=delivery.environment_id, delivery_id=delivery.pk, endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id, n=1, trigger="auto", sent_at=delivery.created_at, duration_ms=87,
        url="https://93.184.216.34/hooks/dexra", status_code=500, error_class="http_status",
        remote_ip="93.184.216.34", request_headers={"webhook-id": sent["event_id"], "X-Shop-Key": "[redacted]"},
        response_headers={"content-type": "text/plain"}, response_body="The CRM is being restarted.",
    )  # fmt: skip
    path = f"/v1/webhook-deliveries/{sent['id']}"
    story.tell("get_webhook_delivery", "GET", f"{path}?include=curl")
    story.tell("resend_webhook_delivery", "POST", f"{path}/resend")
    story.tell("list_webhook_deliveries", "GET", f"/v1/webhook-deliveries?event={sent['event_id']}")


def _replays(story: Story, path: str) -> None:
    since = {"since": f"{timezone.now() - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"}
    story.tell("recover_webhook_endpoint", "POST", f"{path}/recover", since)
    replay = story.tell("replay_webhook_endpoint", "POST", f"{path}/replay", since)
    replays.trickle()
    story.tell("list_webhook_replays", "GET", f"{path}/replays")
    story.tell("get_webhook_replay", "GET", f"{path}/replays/{replay['id']}")
    running = story.api.post(f"{path}/recover", since).json()
    story.tell("cancel_webhook_replay", "POST", f"{path}/replays/{running['id']}/cancel")


def _sandbox(story: Story, live: Environment, relay: Relay) -> None:
    sandbox = Environment.objects.get(account=live.account, kind=Environment.Kind.SANDBOX)
    story.api, api = Server(mint(sandbox)), story.api
    story.api.post("/v1/webhook-endpoints", {"url": "http://93.184.216.34/hooks", "captures": True})
    story.api.put("/v1/users/customer-1", {"name": "Test"})
    relay.drain()
    [event] = story.api.get("/v1/events").json()["data"]
    story.tell("redeliver_event", "POST", f"/v1/sandbox/events/{event['id']}/redeliver", {"mode": "duplicate"})
    settings = {"phone_number_id": "1", "waba_id": "2", "access_token": "x", "app_secret": "x", "verify_token": "x"}
    shop = Inbox.unscoped.create(environment=sandbox, name="Shop", channel="whatsapp", settings=settings)
    story.tell("sync_templates", "POST", "/v1/templates/sync", {"inbox_id": shop.public_id})
    _played(story, sandbox)
    story.api = api


def _played(story: Story, sandbox: Environment) -> None:
    settings = {"bot_token": "1234567890:example", "callback_secret": "made-by-us"}
    Inbox.unscoped.create(environment=sandbox, name="Bot", channel="telegram", settings=settings)
    story.tell("simulate_inbound_message", "POST", "/v1/sandbox/inbound-messages", {
        "channel": "telegram", "from": "42", "name": "Amine", "text": "Where is my order?"})  # fmt: skip
    story.api.post("/v1/send-message", {"channel": "telegram", "recipient_id": "42", "text": "On its way."})
    dispatch = Dispatch.unscoped.get(environment=sandbox)
    # The engine's part: what it would have sent, and what the provider would have said.
    Sent.unscoped.create(
        environment=sandbox, dispatch=dispatch, n=1, state="sent", started_at=dispatch.created_at,
        request={"method": "POST", "url": "https://api.telegram.org/bot••••mple/sendMessage",
                 "headers": {"Content-Type": "application/json"}, "body": '{"text":"On its way.","chat_id":42}'},
    )  # fmt: skip
    story.tell("list_sandbox_outbox", "GET", "/v1/sandbox/outbox?channel=telegram")
    story.tell("reset_sandbox", "POST", "/v1/sandbox/reset", {"confirm": True})


def _browser(story: Story, relay: Relay) -> None:
    """Somebody opens the shop's page."""
    inbox, api = Inbox.unscoped.get(name="Shop", channel="api"), story.api
    claims = {"sub": "customer-45", "name": "Chadia", "email": "chadia@example.com", "exp": int(time.time()) + 600}
    said = {"inbox": inbox.identifier, "identity": {"token": jwt.encode(claims, inbox.hmac_token, "HS256")},
            "attributes": {"user_type": "premium"}, "locale": "fr"}  # fmt: skip
    story.api = Server(None)
    opened = story.tell("open_client_session", "POST", "/client/v1/sessions", said)
    shown = story.told["open_client_session"]
    shown["request"] = {**said, "identity": {"token": "eyJhbGciOiJIUzI1NiJ9..."}}
    shown["response"] = {**opened, "token": "dxs_..."}
    story.api = Server(opened["token"])
    relay.drain()
    _spoken(story)
    story.tell("list_client_changes", "GET", f"/client/v1/changes?since={opened['position']}")
    story.tell("end_client_session", "DELETE", "/client/v1/session")
    story.api = api


def _spoken(story: Story) -> None:
    story.tell("get_client_user", "GET", "/client/v1/me")
    story.tell("update_client_user", "PATCH", "/client/v1/me", {
        "city": "Rabat", "email": "somebody@example.com", "custom_attributes": {"cart": 3}})  # fmt: skip
    talk = story.tell("begin_client_conversation", "POST", "/client/v1/conversations", {
        "message": {"text": "Where is my order?", "client_message_id": "5f0c"}, "subject": "Order 1042"})  # fmt: skip
    path = f"/client/v1/conversations/{talk['id']}"
    bill = SimpleUploadedFile("bill.pdf", b"%PDF-1.7", "application/pdf")
    story.keep("upload_client_attachment", story.api.upload("/client/v1/attachments", {"file": bill}))
    file = story.told["upload_client_attachment"]["response"]
    story.tell("say_client_message", "POST", f"{path}/messages", {
        "text": "Here is the bill.", "client_message_id": "5f0d", "attachment_ids": [file["id"]]})  # fmt: skip
    story.tell("list_client_messages", "GET", f"{path}/messages")
    story.tell("type_in_client_conversation", "POST", f"{path}/typing", {"is_typing": True})
    story.tell("read_client_conversation", "POST", f"{path}/read")
    story.tell("list_client_conversations", "GET", "/client/v1/conversations")
    story.tell("get_client_conversation", "GET", path)
    story.tell("update_client_conversation", "PATCH", path, {"status": "closed"})
    survey = story.api.get(f"{path}/messages").json()["data"][-1]
    story.tell("answer_client_message", "PATCH", f"/client/v1/messages/{survey['id']}", {
        "submitted_values": {"csat_survey_response": {"rating": 5, "feedback_message": "Quick."}}})  # fmt: skip


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
