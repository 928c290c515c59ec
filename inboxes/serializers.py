"""The public JSON of inboxes and templates."""

from collections.abc import Mapping
from typing import Any

from core import ids
from core.times import iso, iso_or_none
from inboxes import channels
from inboxes.channels import rendering
from inboxes.models import Inbox, InboxHealth, Template

# What is to be done about a mail folder that cannot be read, and what that is called, by the setting to blame.
MAILBOX_FAULTS: Mapping[str, tuple[str, str]] = {
    "settings.imap_password": (
        "channel_auth_failed",
        "Correct settings.imap_username and settings.imap_password; the folder is looked at as soon as they are.",
    ),
    "settings.imap_folder": (
        "invalid_settings",
        "Name a folder that is there in settings.imap_folder; it is looked at as soon as you do.",
    ),
    "settings.imap_security": (
        "invalid_settings",
        "Choose tls or starttls for settings.imap_security; the folder is looked at as soon as you do.",
    ),
}
MAILBOX_AWAY = (
    "provider_unavailable",
    "It is tried again by itself, every 30 minutes at least. If it lasts, look at settings.imap_host and "
    "settings.imap_port, and at the server.",
)


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
        "health": _health(inbox, health, livemode=livemode) if channel.is_carried else None,
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


def _health(inbox: Inbox, health: InboxHealth | None, *, livemode: bool) -> dict[str, Any]:
    """Return how an inbox gets on with its provider."""
    health = health or InboxHealth.unscoped.filter(pk=inbox.pk).first() or InboxHealth(inbox=inbox)
    has_folder = livemode and channels.find(inbox.channel).folder(inbox.settings) is not None
    return {
        "state": health.state,
        "code": health.code or None,
        "detail": health.detail or None,
        "changed_at": iso(health.changed_at),
        "callback": {"state": health.callback_state, "detail": health.callback_detail or None},
        "mailbox": _mailbox(health) if has_folder else None,
        "last_callback_at": iso_or_none(health.last_callback_at),
        "last_sent_at": iso_or_none(health.last_sent_at),
    }


def _mailbox(health: InboxHealth) -> dict[str, Any]:
    """Return how it is with the folder that an inbox's mail is fetched from, and what to do where that is not well."""
    code, advice = None, None
    state = "pending" if health.mailbox_read_at is None else "connected"
    if health.mailbox_failing_since is not None:
        state, (code, advice) = "failing", MAILBOX_FAULTS.get(health.mailbox_param, MAILBOX_AWAY)
    return {
        "state": state,
        "code": code,
        "param": health.mailbox_param or None,
        "detail": health.mailbox_detail or None,
        "advice": advice,
        "failing_since": iso_or_none(health.mailbox_failing_since),
        "last_read_at": iso_or_none(health.mailbox_read_at),
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
