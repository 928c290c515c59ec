"""The public JSON of an inbox."""

from typing import Any

from django.conf import settings

from core.times import iso
from inboxes import channels
from inboxes.models import Inbox


def inbox_json(inbox: Inbox, *, livemode: bool) -> dict[str, Any]:
    """Return the ``inbox`` object; secret settings are masked, ``hmac_token`` is there where clients sign with it."""
    channel = channels.find(inbox.channel)
    shown: dict[str, Any] = {
        "id": inbox.public_id,
        "object": "inbox",
        "name": inbox.name,
        "channel": inbox.channel,
        "identifier": inbox.identifier,
        "callback_url": f"{settings.BASE_URL}/inbound/{inbox.channel}/{inbox.identifier}"
        if channel.has_callback
        else None,
        "settings": channel.shown(inbox.settings),
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
