"""What can happen to a person. The type names are those of webhooks and of ``GET /v1/events``."""

from typing import Any

from contacts.models import Contact, ContactSession
from contacts.serializers import user_json
from events.event import SYSTEM, Actor, Event


class UserEvent(Event):
    """Something happened to a person; ``data["user"]`` is the person afterwards, ``data["actor"]`` who did it."""


class UserCreated(UserEvent):
    """A person is known for the first time."""

    type = "user_created"


class UserUpdated(UserEvent):
    """
    Something about a person changed.

    ``data`` has ``changes`` ``{field: {"from", "to"}}``, ``tags_added``, ``tags_removed``, ``reason``.
    """

    type = "user_updated"


class UserMerged(UserEvent):
    """Two records turned out to be one person; ``data["merged_user_id"]`` is the one that went."""

    type = "user_merged"


class UserDeleted(UserEvent):
    """A person was erased with everything they said."""

    type = "user_deleted"


class SessionEnded(Event):
    """
    Somebody signed out where they wrote from; ``data["user"]`` is who.

    ``context["session_ids"]`` says which sockets end.
    """

    type = "session_ended"


class SessionProved(Event):
    """
    Whoever writes from a session has proved who they are; ``data["user"]`` is who.

    ``context["renewed_session_ids"]`` says whose sockets have to come back with their new token.
    """

    type = "session_proved"


def proved(session: ContactSession) -> SessionProved:
    """Return the event of a session's proof, whose contact and environment are loaded."""
    contact, livemode = session.contact, session.environment.livemode
    actor = Actor("user", contact.public_id)
    return SessionProved(
        environment_id=session.environment_id,
        livemode=livemode,
        actor=actor,
        data={"user": user_json(contact, livemode=livemode), "actor": actor.as_json()},
        context={"contact_id": contact.pk, "inbox_id": session.inbox_id, "renewed_session_ids": [session.pk]},
    )


def signed_out(session: ContactSession) -> SessionEnded:
    """Return the event of a session's end, whose contact and environment are loaded."""
    contact, livemode = session.contact, session.environment.livemode
    actor = Actor("user", contact.public_id)
    return SessionEnded(
        environment_id=session.environment_id,
        livemode=livemode,
        actor=actor,
        data={"user": user_json(contact, livemode=livemode), "actor": actor.as_json()},
        context={"contact_id": contact.pk, "inbox_id": session.inbox_id, "session_ids": [session.pk]},
    )


def about(
    contact: Contact,
    kind: type[UserEvent],
    *,
    livemode: bool,
    actor: Actor = SYSTEM,
    **more: Any,
) -> UserEvent:
    """Return the event of that kind about a person as they are now; ``more`` goes into ``data``."""
    return kind(
        environment_id=contact.environment_id,
        livemode=livemode,
        actor=actor,
        data={"user": user_json(contact, livemode=livemode), "actor": actor.as_json(), **more},
        context={"contact_id": contact.pk},
    )
