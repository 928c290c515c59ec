"""Writing first: a business begins a conversation with somebody it knows."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from contacts.models import Contact
from contacts.services import sessions
from conversations.models import Conversation
from conversations.queries import conversations_of
from conversations.services import conversations, messages
from conversations.services.messages import Author, Draft
from events.event import Actor
from inboxes.models import Inbox


@transaction.atomic
def begin(*, inbox: Inbox, contact: Contact, fields: Mapping[str, Any], text: str | None, actor: Actor) -> Conversation:
    """
    Begin a conversation where the person can be reached in that inbox, and say the first words if there are any.

    ``fields`` are ``subject``, ``tags``, ``custom_attributes``. Raises Invalid, ContactGone, ContactBlocked, and
    NotFound for somebody who was erased this very moment.
    """
    session = sessions.session_in(inbox=inbox, contact=contact)
    conversation = conversations.start(session=session, fields=fields, actor=actor)
    if text:
        messages.send(conversation=conversation, author=Author("api", key_id=actor.id), draft=Draft(text))
    return conversations_of(inbox.environment).get(pk=conversation.pk)
