"""Sending: a plan becomes a message in a conversation, and a place in the queue, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from contacts.models import Contact, ContactSession
from contacts.services import addresses, sessions
from conversations.models import Conversation, Message
from conversations.services import messages, outreach
from conversations.services.messages import Author, Draft
from events.event import Actor
from inboxes import channels
from inboxes.models import Inbox
from outbound.models import Dispatch
from outbound.services import contents, queueing
from outbound.services.contents import Content
from outbound.services.planning import Plan, Step
from outbound.services.queueing import Options
from outbound.services.recipients import Recipient


@transaction.atomic
def send(plan: Plan, *, author: Author) -> Message:
    """
    Say a message in the person's conversation, both found or made, and queue it before its provider.

    What is on the cable is there at once and needs no queue, unless it waits for its time or is followed by a fallback,
    or there is something to tell of it.
    Raises ContactGone, ContactBlocked, ConversationTooBusy, Invalid.
    """
    leg = plan.leg
    talk = plan.conversation or _talk(leg.recipient, str(leg.mail.get("subject") or ""), author.actor)
    draft = _draft(leg.content, plan.client_message_id, plan.metadata, is_scheduled=plan.send_at is not None)
    message = messages.send(conversation=talk, author=author, draft=draft, reopen=talk.is_closed)
    waits = plan.send_at is not None or bool(plan.steps)
    if waits or leg.adaptations or channels.find(leg.recipient.inbox.channel).is_carried:
        queueing.enqueue(message, _options(plan))
    return message


@transaction.atomic
def follow(*, parent: Dispatch, step: Mapping[str, Any], rest: Sequence[Mapping[str, Any]]) -> Message:
    """
    Send the next step of a message's chain as a message of its own; ``rest`` are the steps after it.

    ``parent`` has its message with its author loaded. Raises ContactGone, ContactBlocked, ConversationTooBusy.
    """
    inbox = Inbox.unscoped.select_related("environment").get(pk=step["inbox_id"], deleted_at=None)
    contact: Contact | None = parent.contact if step["is_same_person"] else None
    if contact is not None:
        contact.environment = inbox.environment
    identity = tuple(step["identity"]) if step["identity"] else None
    recipient = Recipient(inbox, step["address"], contact, identity=identity)
    parent_message = parent.message
    author = Author(parent_message.source, parent_message.author)
    talk = _talk(recipient, str(step["mail"].get("subject") or ""), author.actor)
    draft = _draft(contents.restored(step), None, parent_message.metadata)
    message = messages.send(conversation=talk, author=author, draft=draft, reopen=talk.is_closed)
    options = Options(
        category=step["category"], guarantee=parent.guarantee, address=step["address"], overrides=step["overrides"],
        mail=step["mail"], adapted=step["adapted"], adaptations=step["adaptations"], fallback=rest,
        fallback_of=parent.pk,
    )  # fmt: skip
    queueing.enqueue(message, options)
    return message


def step_json(step: Step) -> dict[str, Any]:
    """Return a step as it is kept until it is taken (``follow``)."""
    leg, recipient = step.leg, step.leg.recipient
    return {
        "channel": recipient.inbox.channel,
        "inbox_id": recipient.inbox.pk,
        "address": recipient.address,
        "identity": recipient.identity,
        "is_same_person": not recipient.is_exact,
        "on": list(step.on),
        "after_seconds": step.after_seconds,
        "category": leg.category,
        "mail": dict(leg.mail),
        "overrides": dict(leg.overrides),
        "adapted": leg.adapted,
        "adaptations": [dict(each) for each in leg.adaptations],
        **contents.kept(leg.content),
    }


def _talk(recipient: Recipient, subject: str, actor: Actor) -> Conversation:
    fields = {"subject": subject[:255]} if subject else None
    return outreach.carry_on(session=_session(recipient, actor), fields=fields, actor=actor)


def _session(recipient: Recipient, actor: Actor) -> ContactSession:
    if recipient.session is not None:
        return recipient.session
    if recipient.address:
        return addresses.open_at(
            inbox=recipient.inbox, address=recipient.address, contact=recipient.contact, actor=actor
        )
    if recipient.contact is not None:
        return sessions.session_in(inbox=recipient.inbox, contact=recipient.contact)
    assert recipient.identity is not None
    return addresses.open_somewhere(inbox=recipient.inbox, fields=dict([recipient.identity]), actor=actor)


def _draft(
    content: Content, client_message_id: str | None, metadata: Mapping[str, Any], *, is_scheduled: bool = False
) -> Draft:
    return Draft(
        text=content.text or None,
        files=content.files,
        client_message_id=client_message_id,
        type=content.kind,
        payload=content.payload or {},
        metadata=metadata,
        is_scheduled=is_scheduled,
    )


def _options(plan: Plan) -> Options:
    leg = plan.leg
    return Options(
        category=leg.category,
        guarantee=plan.guarantee,
        address=leg.recipient.address,
        reply_to=plan.reply_to,
        overrides=leg.overrides,
        mail=leg.mail,
        adapted=leg.adapted,
        adaptations=leg.adaptations,
        send_at=plan.send_at,
        expires_at=plan.expires_at,
        fallback=[step_json(step) for step in plan.steps],
    )
