"""The public JSON of inboxes and templates."""

from typing import Any

from core import ids
from core.times import iso, iso_or_none
from inboxes import channels
from inboxes.channels import rendering
from inboxes.models import Inbox, InboxHealth, Template


def inbox_json(inbox: Inbox, *, livemode: bool, health: InboxHealth | None = None) -> dict[str, Any]:
    """Return the ``inbox`` object, secret settings masked; its ``health`` is asked for where it is not given."""
    channel = channels.find(inbox.channel)
    shown: dict[str, Any] = {
        "id": inbox.public_id,
        "object": "inbox",
        "name": inbox.name,
        "channel": inbox.channel,
        "identifier": inbox.identifier,
        "callback_url": inbox.callback_url if channel.has_callback else None,
        "settings": channel.shown(inbox.settings),
        "health": _health(inbox, health) if channel.is_carried else None,
        "hmac_mandatory": inbox.hmac_mandatory,
        "time_zone": inbox.time_zone,
        "working_hours": inbox.working_hours,
        "working_hours_enabled": inbox.working_hours_enabled,
        "out_of_office_message": inbox.out_of_office_message,
        "greeting_enabled": inbox.greeting_enabled,
        "greeting_message": inbox.greeting_message,
        "csat_survey_enabled": inbox.csat_survey_enabled,
        "lock_to_single_conversation": inbox.lock_to_single_conversation,
        "livemode": livemode,
        "created_at": iso(inbox.created_at),
        "updated_at": iso(inbox.updated_at),
    }
    if channel.clients_sign:
        shown["hmac_token"] = inbox.hmac_token
    return {**shown, **inbox.shown_once}


def _health(inbox: Inbox, health: InboxHealth | None) -> dict[str, Any]:
    """Return how an inbox gets on with its provider."""
    health = health or InboxHealth.unscoped.filter(pk=inbox.pk).first() or InboxHealth(inbox=inbox)
    return {
        "state": health.state,
        "code": health.code or None,
        "detail": health.detail or None,
        "changed_at": iso(health.changed_at),
        "callback": {"state": health.callback_state, "detail": health.callback_detail or None},
        "last_callback_at": iso_or_none(health.last_callback_at),
        "last_sent_at": iso_or_none(health.last_sent_at),
    }


def template_json(template: Template, *, livemode: bool) -> dict[str, Any]:
    """Return the ``template`` object."""
    return {
        "id": template.public_id,
        "object": "template",
        "inbox_id": ids.encode("inb", template.inbox_id) if template.inbox_id else None,
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "status": template.status,
        "reason": template.reason or None,
        "components": template.components,
        "variables": rendering.names(template.components),
        "livemode": livemode,
        "synced_at": iso_or_none(template.synced_at),
        "created_at": iso(template.created_at),
        "updated_at": iso(template.updated_at),
    }
