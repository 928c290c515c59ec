"""What a person may ask of those who hold their data: to see all of it, and to have it gone."""

from dataclasses import replace
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.services import audit, idempotency
from contacts import events
from contacts.models import Contact, ContactSession
from contacts.serializers import user_json
from contacts.services import contacts, tombstones
from conversations.models import Attachment, Conversation, SurveyAnswer
from conversations.queries import conversations_of, messages_of
from conversations.serializers import conversation_json, message_json
from conversations.services import attachments, uploads
from core import ids
from core.times import iso
from events.event import Actor
from events.log import publish, scrub
from events.models import LoggedEvent
from events.serializers import event_json


@transaction.atomic
def erase(*, contact: Contact, by: audit.Who, actor: Actor) -> Contact:
    """
    Erase a person and everything said with them; a tombstone stays, so that nothing brings them back unseen.

    Files go once the transaction has committed; the log keeps that something happened, and nothing of what it was.
    Raises ContactGone.
    """
    environment = contact.environment
    # Sessions, conversations, people: in another order than everybody else's, two would wait for each other.
    list(ContactSession.of(environment).filter(contact=contact).select_for_update().order_by("pk").values_list("pk"))
    list(Conversation.of(environment).filter(contact=contact).select_for_update().order_by("pk").values_list("pk"))
    contact = contacts.lock(contact)
    family = [contact, *_merged_into(contact)]
    talks = Conversation.of(environment).filter(contact__in=family)
    talked = list(talks.values_list("pk", flat=True))
    _delete_files(talks)
    talks.delete()
    sessions = ContactSession.of(environment).filter(contact__in=family)
    session_ids = list(sessions.values_list("pk", flat=True))
    sessions.delete()
    unsent = uploads.forget_of(environment, session_ids)
    transaction.on_commit(partial(attachments.remove, unsent))
    scrub(environment.pk, conversation_ids=talked, contact_ids=[each.pk for each in family])
    idempotency.forget_about(environment, _names(family, talked))
    for each in family:
        tombstones.bury(each)
    erased = events.about(contact, events.UserDeleted, livemode=environment.livemode, actor=actor)
    gone = {"session_ids": session_ids, "conversation_ids": talked, "contact_ids": [each.pk for each in family]}
    publish(replace(erased, context={**erased.context, **gone}))
    audit.record(environment=environment, who=by, action="user.erased", target=contact.public_id)
    return contact


def export(contact: Contact) -> dict[str, Any]:
    """Return everything held about one person: who they are, where they write from, what was said, what happened."""
    livemode = contact.environment.livemode
    talks = conversations_of(contact.environment).filter(contact=contact).order_by("pk")
    family = [contact, *_merged_into(contact)]
    return {
        "object": "user_export",
        "livemode": livemode,
        "exported_at": iso(timezone.now()),
        "user": {**user_json(contact, livemode=livemode), "city": contact.city},
        "merged_user_ids": [each.public_id for each in family[1:]],
        "sessions": [
            _session(session) for session in ContactSession.of(contact.environment).filter(contact__in=family)
        ],
        "conversations": [_conversation(talk) for talk in talks],
        "ratings": [_rating(answer) for answer in SurveyAnswer.of(contact.environment).filter(contact=contact)],
        "events": [event_json(event) for event in _events_about(family, talks)],
    }


def _merged_into(contact: Contact) -> list[Contact]:
    """Return the tombstones of records that turned out to be this person."""
    found: list[Contact] = []
    layer = [contact.pk]
    while layer:
        below = list(Contact.of(contact.environment).filter(merged_into__in=layer))
        found += below
        layer = [each.pk for each in below]
    return found


def _delete_files(talks: QuerySet[Conversation]) -> None:
    """Remove the files of conversations, but those that went to other people too."""
    theirs = Attachment.unscoped.filter(message__conversation__in=talks.values("pk")).exclude(file=None)
    named = {path for path in theirs.values_list("file", flat=True) if path}
    same = Attachment.unscoped.filter(environment__in=talks.values("environment"), file__in=named)
    others = same.exclude(message=None).exclude(pk__in=theirs.values("pk"))
    paths = sorted(named - set(others.values_list("file", flat=True)))
    if paths:
        same.filter(message=None, file__in=paths).delete()
        transaction.on_commit(partial(attachments.remove, paths))


def _names(family: list[Contact], talked: list[int]) -> list[str]:
    return [each.public_id for each in family] + [ids.encode("conv", row) for row in talked]


def _events_about(family: list[Contact], talks: QuerySet[Conversation]) -> QuerySet[LoggedEvent]:
    logged = LoggedEvent.of(family[0].environment)
    said = logged.filter(conversation_id__in=list(talks.values_list("pk", flat=True)))
    known = logged.filter(conversation_id=None, context__contact_id__in=[each.pk for each in family])
    return (said | known).order_by("id")


def _conversation(talk: Conversation) -> dict[str, Any]:
    livemode = talk.environment.livemode
    messages = messages_of(talk).order_by("id")
    return {
        **conversation_json(talk, livemode=livemode),
        "messages": [message_json(message, livemode=livemode, channel=talk.inbox.channel) for message in messages],
    }


def _session(session: ContactSession) -> dict[str, Any]:
    return {
        "inbox_id": ids.encode("inb", session.inbox_id),
        "source_id": session.source_id,
        "verified": session.verified,
        "created_at": iso(session.created_at),
    }


def _rating(answer: SurveyAnswer) -> dict[str, Any]:
    return {
        "conversation_id": ids.encode("conv", answer.conversation_id),
        "rating": answer.rating,
        "feedback": answer.feedback,
        "created_at": iso(answer.created_at),
    }
