"""The public JSON of messages that are sent: what they say, and how they get there."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from conversations.models import Message
from conversations.serializers import message_json
from core import ids
from core.times import iso, iso_or_none
from outbound import queries
from outbound.models import Attempt, Dispatch

REQUEST: Mapping[str, Any] = {"method": None, "url": None, "headers": {}, "body": None, "html": None, "attachments": []}
STEP = ("channel", "on", "after_seconds", "message_type")


def accepted_json(
    message: Message, *, recipient_id: str, warnings: Sequence[Mapping[str, str]], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the answer to a request to send says; ``facts`` are what its channel tells of it (segments)."""
    return {
        **_way_json(message, queries.find_dispatch(message)),
        "recipient_id": recipient_id,
        "warnings": [dict(each) for each in warnings],
        **facts,
    }


def sent_json(message: Message) -> dict[str, Any]:
    """Return a message with all its attempts; loaded as ``messages_with_ways``."""
    dispatch = queries.dispatch_of(message)
    next_step = queries.following(dispatch) if dispatch is not None and dispatch.fallback_taken_at else None
    before = dispatch.fallback_of if dispatch is not None else None
    return {
        **_way_json(message, dispatch),
        "provider_message_id": message.provider_id,
        "next_attempt_at": iso_or_none(dispatch.next_attempt_at) if dispatch else None,
        "attempts": [_attempt_json(each) for each in dispatch.made.all()] if dispatch else [],
        "fallback_of": ids.encode("msg", before.message_id) if before else None,
        "fallback_message_id": ids.encode("msg", next_step.message_id) if next_step else None,
        "delivered_via": (dispatch.delivered_via or None) if dispatch else None,
    }


def _way_json(message: Message, dispatch: Dispatch | None) -> dict[str, Any]:
    conversation = message.conversation
    inbox = conversation.inbox
    shown = message_json(message, livemode=conversation.environment.livemode, channel=inbox.channel)
    return {
        **shown,
        "inbox_id": inbox.public_id,
        "recipient_id": dispatch.address if dispatch and dispatch.address else shown["user_id"],
        "category": dispatch.category if dispatch else "transactional",
        "delivery_guarantee": dispatch.guarantee if dispatch else Dispatch.Guarantee.AT_MOST_ONCE,
        "send_at": iso_or_none(dispatch.send_at) if dispatch else None,
        "expires_at": iso_or_none(dispatch.expires_at) if dispatch else None,
        "adaptations": dispatch.adaptations if dispatch else [],
        "fallback": [_step_json(step) for step in dispatch.fallback] if dispatch else [],
        "status_url": f"{settings.BASE_URL}/v1/messages/{message.public_id}",
    }


def _step_json(step: Mapping[str, Any]) -> dict[str, Any]:
    inbox_id = step.get("inbox_id")
    return {name: step.get(name) for name in STEP} | {"inbox_id": ids.encode("inb", inbox_id) if inbox_id else None}


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "n": attempt.n,
        "outcome": attempt.state,
        "started_at": iso_or_none(attempt.started_at),
        "ended_at": iso_or_none(attempt.ended_at),
        "code": attempt.code or None,
        "detail": attempt.detail or None,
        "provider_code": attempt.provider_code or None,
        "http_status": attempt.status_code,
    }


def outbox_json(attempt: Attempt) -> dict[str, Any]:
    """Return what a sandbox would have sent, and what came of it; loaded as ``rehearsed``."""
    dispatch = attempt.dispatch
    message, request = dispatch.message, attempt.request or {}
    return {
        "id": ids.encode("out", attempt.pk),
        "object": "outbox_entry",
        "message_id": message.public_id,
        "inbox_id": dispatch.inbox.public_id,
        "channel": dispatch.inbox.channel,
        "recipient_id": dispatch.address,
        "n": attempt.n,
        "sent_at": iso(attempt.started_at),
        "request": {name: request.get(name, empty) for name, empty in REQUEST.items()},
        "outcome": {
            "state": attempt.state,
            "code": attempt.code or None,
            "detail": attempt.detail or None,
            "provider_code": attempt.provider_code or None,
        },
        "provider_message_id": message.provider_id,
        "status": message.status,
        "livemode": False,
    }
