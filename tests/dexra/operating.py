"""An installation with a row of every kind, and the operators who look at it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, ApiKey, AuditEntry, Environment, User
from accounts.services import audit, idempotency, keys, members
from contacts.models import ContactSession, Suppression
from contacts.services import sessions
from conversations.models import Attachment, Conversation, Message, Team, TeamMember
from conversations.services import answers, conversations, messages
from conversations.services.messages import Author, Draft
from core import tenancy
from inbound.models import Fetch, Mailbox, RawCallback
from inboxes.models import Inbox, InboxHealth, Template
from inboxes.services import inboxes
from outbound.models import Attempt as Tried
from outbound.models import Dispatch, Line
from realtime.models import HeldBroadcast
from webhooks.models import Attempt, Body, Delivery, Endpoint, Health, Replay, Secret

PASSWORD = "correct horse battery"
SIGNING_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
WORDS = "Something only the two of them should read"


@dataclass
class World:
    """One account with everything in it, and its secrets."""

    account: Account
    live: Environment
    key: ApiKey
    plain_key: str
    inbox: Inbox
    session: ContactSession
    conversation: Conversation
    message: Message

    @property
    def secrets(self) -> dict[str, str]:
        """What no page may show."""
        people = {f"pubsub token of {user}": user.pubsub_token for user in User.objects.all()}
        passwords = {f"password of {user}": user.password for user in User.objects.all()}
        attachment = Attachment.unscoped.get()
        return {
            **people,
            **passwords,
            "key": self.plain_key,
            "key's digest": bytes(self.key.digest).hex(),
            "hmac token": self.inbox.hmac_token,
            "previous hmac token": self.inbox.previous_hmac_token,
            "bot token": "12345:secret-bot-token",
            "known bot's token": "77777:another-bot-token",
            "callback's secret": "what-telegram-was-told",
            "source id": self.session.source_id,
            "session's pubsub token": self.session.pubsub_token,
            "attachment's token": attachment.token,
            "attachment's path": str(attachment.file),
            "stored answer": "the-answer-that-was-stored",
            "webhook secret": SIGNING_SECRET,
            "custom header": "Bearer of-a-customers-server",
        }


def build(account: Account, live: Environment) -> World:
    """Return an installation in which every model has a row. The connection sees everyone."""
    key, plain = keys.mint(environment=live, kind=ApiKey.Kind.SECRET, name="backend", by=audit.SYSTEM)
    agent = members.add(account=account, email="grace@acme.test", role="agent", by=audit.SYSTEM)[0].user
    inbox = _inbox(live)
    session = sessions.open_session(inbox=inbox, fields={"name": "Amine", "email": "amine@example.test"})
    conversation = conversations.start(session=session)
    message = messages.receive(session=session, number=conversation.number, draft=Draft(WORDS))
    messages.send(conversation=conversation, author=Author("agent", agent), draft=Draft("An answer for nobody else"))
    conversations.update(conversation=conversation, fields={"status": "closed"})
    survey = Message.unscoped.get(content_type="input_csat")
    answer = {"csat_survey_response": {"rating": 4, "feedback_message": "Kind"}}
    answers.submit(conversation=conversation, message=survey, values=answer)
    _the_rest(live, key, agent, message)
    _webhooks(live, conversation)
    _providers(live, message)
    return World(account, live, key, plain, inbox, session, conversation, message)


def _inbox(live: Environment) -> Inbox:
    fields = {"name": "Support", "csat_survey_enabled": True}
    inbox = inboxes.create(environment=live, channel=Inbox.Channel.API, by=audit.SYSTEM, fields=fields)
    inboxes.rotate_hmac(inbox=inbox, by=audit.SYSTEM)
    Inbox.unscoped.create(  # of a channel this installation does not speak
        environment=live, name="Bot", channel="carrier pigeon", settings={"bot_token": "12345:secret-bot-token"}
    )
    return inbox


def _the_rest(live: Environment, key: ApiKey, agent: User, message: Message) -> None:
    team = Team.unscoped.create(environment=live, name="Front desk")
    TeamMember.unscoped.create(environment=live, team=team, user=agent)
    Attachment.unscoped.create(environment=live, message=message, type="file", file="attachments/1/x.pdf", filename="a")
    HeldBroadcast.objects.create(event_id=1)
    request = idempotency.Request("k-1", "POST", "/v1/users", b"{}")
    stored = idempotency.Answer(201, {"secret": "the-answer-that-was-stored"})
    idempotency.once(environment=live, api_key=key, request=request, act=lambda: stored)
    LogEntry.objects.log_actions(agent.pk, [live.account], CHANGE, "Change name or plan", single_object=True)


def _webhooks(live: Environment, conversation: Conversation) -> None:
    now, headers = timezone.now(), {"Authorization": "Bearer of-a-customers-server"}
    url = "https://hooks.acme.test/dexra"
    endpoint = Endpoint.unscoped.create(environment=live, url=url, custom_headers=headers)
    Secret.unscoped.create(environment=live, endpoint=endpoint, secret=SIGNING_SECRET)
    Health.unscoped.create(environment=live, endpoint=endpoint, consecutive_failures=1)
    Replay.unscoped.create(environment=live, endpoint=endpoint, kind="recover", since=now, until=now)
    event = {"environment": live, "event_id": 1, "event_at": now, "type": "message_in"}
    about = {**event, "conversation_id": conversation.pk}
    said = json.dumps({"type": "message_in", "data": {"message_text": WORDS}}).encode()
    Body.unscoped.create(**about, dialect="dexra", content=said)
    delivery = Delivery.unscoped.create(**about, endpoint=endpoint, livemode=True, tries=1, last_status=503)
    Attempt.unscoped.create(
        environment=live, delivery_id=delivery.pk, endpoint_id=endpoint.pk, event_id=1, n=1, trigger="auto",
        sent_at=now, duration_ms=42, url=url, status_code=503, error_class="http_status", remote_ip="203.0.113.9",
        request_headers={"webhook-id": "evt_1", **headers}, response_body="Come back later",
    )  # fmt: skip


def _providers(live: Environment, message: Message) -> None:
    """Have a bot, a message on its way by it, what it told, and what hangs on that."""
    now, secrets = timezone.now(), {"bot_token": "77777:another-bot-token", "callback_secret": "what-telegram-was-told"}
    bot = Inbox.unscoped.create(environment=live, name="Helper", channel="telegram", settings=secrets)
    InboxHealth.unscoped.create(
        environment=live, inbox=bot, state="disconnected", code="channel_auth_failed", detail="Unauthorized",
        callback_state="failed", callback_detail="bad webhook",
    )  # fmt: skip
    Template.unscoped.create(
        environment=live, inbox=bot, name="order", language="en", category="utility", status="approved",
        components=[{"type": "body", "text": "Order {{1}}"}],
    )  # fmt: skip
    Suppression.unscoped.create(environment=live, channel="sms", address="+212600000009", reason="stop_word")
    Line.unscoped.create(environment=live, inbox=bot, is_disconnected=True, paused_until=now, next_due_at=now)
    talk, address = message.conversation, "4242"
    dispatch = Dispatch.unscoped.create(
        environment=live, message=message, conversation=talk, contact=talk.contact, session=talk.session, inbox=bot,
        livemode=True, address=address, state="failed", tries=1, attempts=1, last_code="undelivered",
    )  # fmt: skip
    Tried.unscoped.create(environment=live, dispatch=dispatch, n=1, state="rejected", code="undelivered", ended_at=now)
    RawCallback.unscoped.create(
        environment=live, inbox=bot, body=json.dumps({"message": {"text": WORDS}}).encode(), digest="0" * 64,
        state="failed", error="It could not be read.", headers={"content-type": "application/json"},
    )  # fmt: skip
    Fetch.unscoped.create(
        environment=live, inbox=bot, attachment=Attachment.unscoped.get(), reference="AgAC", state="failed"
    )
    Mailbox.unscoped.create(environment=live, inbox=bot, failures=2, error="No connection could be made.")


def operator_client(**flags: Any) -> tuple[Client, User]:
    """Return a browser in which an operator is logged in, and the operator."""
    flags = {"is_staff": True, "is_superuser": True, **flags}
    person = User.objects.create_user("olga@dexra.test", PASSWORD, name="Olga", **flags)
    browser = Client(REMOTE_ADDR="203.0.113.7")
    browser.force_login(person)
    return browser, person


def registered() -> list[type[Model]]:
    """Return every model the admin shows."""
    return list(admin.site._registry)


def rows_of(model: type[Model]) -> list[Model]:
    """Return a model's rows, of every tenant."""
    with tenancy.everyone():
        return list(model._default_manager.all())


def list_url(model: type[Model]) -> str:
    """Return the path of a model's list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_url(row: Model) -> str:
    """Return the path of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def operation_url(row: Model, name: str) -> str:
    """Return the path of an operation on a row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_operate", args=[row.pk, name])


def press(browser: Client, url: str, **values: Any) -> Any:
    """Open an operation's page, fill its form in, press its button."""
    return browser.post(url, {"once": mark_on(browser.get(url)), **values})


def mark_on(page: Any) -> str:
    """Return the mark of a form that may be sent once; empty where there is no form."""
    found = re.search(r'name="once" value="(\w+)"', page.content.decode())
    return found[1] if found else ""


def entries(action: str) -> list[AuditEntry]:
    """Return what the audit log holds of Olga's doing so."""
    with tenancy.everyone():
        return list(AuditEntry.unscoped.filter(action=action, actor="olga@dexra.test"))


def secret_on(page: Any) -> str:
    """Return the secret that a page shows this once."""
    found = re.search(r'<code id="secret">([^<]+)</code>', page.content.decode())
    assert found is not None
    return found[1]
