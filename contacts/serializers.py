"""The public JSON of a person: one shape for REST, webhooks and events."""

from typing import Any

from contacts.models import Contact, Suppression
from core.times import iso, iso_or_none


def user_json(contact: Contact, *, livemode: bool) -> dict[str, Any]:
    """Return the ``user`` object; custom attributes keep the types they were given in."""
    return {
        "id": contact.public_id,
        "object": "user",
        "external_id": contact.external_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "name": contact.name,
        "email": contact.email,
        "phone_number": contact.phone_number,
        "avatar_url": contact.avatar_url,
        "user_type": contact.user_type,
        "language": contact.language,
        "country": contact.country,
        "custom_attributes": contact.custom_attributes,
        "tags": contact.tags,
        "blocked": contact.blocked,
        "verified": contact.verified,
        "livemode": livemode,
        "created_at": iso(contact.created_at),
        "updated_at": iso(contact.updated_at),
        "last_seen_at": iso_or_none(contact.last_seen_at),
    }


def suppression_json(suppression: Suppression, *, livemode: bool) -> dict[str, Any]:
    """Return the ``suppression`` object."""
    return {
        "id": suppression.public_id,
        "object": "suppression",
        "channel": suppression.channel,
        "address": suppression.address,
        "scope": suppression.scope,
        "reason": suppression.reason,
        "detail": suppression.detail,
        "livemode": livemode,
        "created_at": iso(suppression.created_at),
    }
