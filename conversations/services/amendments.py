"""What happens to a message after it was said: changed, taken back, reacted to, completed by a file that was late."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations import events
from conversations.models import Attachment, Conversation, Message
from conversations.queries import conversations_of, messages_of
from conversations.services import timeline
from conversations.services.attachments import StoredFile
from core.times import iso, parse
from events.event import SYSTEM, Actor

TAKEN_BACK = "This message was deleted"
MOST_VERSIONS = 20  # of a message that is changed again and again

Change = Callable[[Message], Mapping[str, Any]]


def edit(message: Message, *, text: str, at: datetime) -> bool:
    """Change what a person wrote; what it said before stays with it. False for an edit older than one that is there."""

    def change(found: Message) -> Mapping[str, Any]:
        before = found.content_attributes
        if found.text == text or before.get("deleted") or _is_older(at, before.get("edited_at")):
            return {}
        versions = [*before.get("versions", []), {"text": found.text, "until": iso(at)}][-MOST_VERSIONS:]
        return {"text": text, "content_attributes": {**before, "edited_at": iso(at), "versions": versions}}

    return _amend(message, change, actor=_writer(message))


def take_back(message: Message, *, at: datetime) -> bool:
    """Show that a person took back what they wrote, and show it no more. False where they had already."""

    def change(found: Message) -> Mapping[str, Any]:
        if found.content_attributes.get("deleted"):
            return {}
        kept = {name: value for name, value in found.content_attributes.items() if name not in {"versions", "raw"}}
        return {
            "text": TAKEN_BACK, "payload": {},
            "content_attributes": {**kept, "deleted": True, "deleted_at": iso(at)},
        }  # fmt: skip

    return _amend(message, change, actor=_writer(message))


def react(message: Message, *, by: str, emoji: str, at: datetime) -> bool:
    """
    Put an emoji on a message for whoever ``by`` names, or take it off (empty).

    Each has one at most; ``content_attributes.reactions`` is ``[{by, emoji, at}]``. False for what changes nothing.
    """

    def change(found: Message) -> Mapping[str, Any]:
        before = found.content_attributes
        reactions = before.get("reactions", [])
        mine = next((each for each in reactions if each["by"] == by), None)
        if (mine or {}).get("emoji", "") == emoji or _is_older(at, (mine or {}).get("at")):
            return {}
        # One taken off leaves its moment behind, so that an older one that comes late does not bring it back.
        others = [each for each in reactions if each["by"] != by]
        return {"content_attributes": {**before, "reactions": [*others, {"by": by, "emoji": emoji, "at": iso(at)}]}}

    return _amend(message, change, actor=Actor("user", by))


@transaction.atomic
def complete(attachment: Attachment, file: StoredFile | None) -> None:
    """Give an attachment the file that came late, or mark that it never will."""
    message, announced = attachment.message, attachment.filename
    if message is None:
        return
    attachment.details = {**attachment.details, "state": "failed" if file is None else "ready"}
    if file is not None:
        attachment.file, attachment.size = file.path, file.size
        attachment.content_type, attachment.filename = file.content_type[:100], file.filename[:255]
    attachment.save(update_fields=["details", "file", "size", "content_type", "filename"])

    def change(found: Message) -> Mapping[str, Any]:
        before = dict(found.content_attributes)
        missing = before.pop("missing_files", [])
        if file is not None:
            missing = [each for each in missing if each.get("filename") != announced]
        return {"content_attributes": {**before, **({"missing_files": missing} if missing else {})}}

    _amend(message, change, actor=SYSTEM, always=True)


@transaction.atomic
def _amend(message: Message, change: Change, *, actor: Actor, always: bool = False) -> bool:
    """Change a message under its conversation's lock and tell of it; ``always``: only a file of it may have changed."""
    conversation = _locked(message)
    found = messages_of(conversation).get(pk=message.pk)
    changed = dict(change(found))
    before = {name: getattr(found, name) for name in changed}
    if not changed or (changed == before and not always):
        return False
    for name, value in changed.items():
        setattr(found, name, value)
    found.updated_at = timezone.now()
    found.save(update_fields=[*changed, "updated_at"])
    if "text" in changed and conversation.last_message_id == found.pk:
        conversation.last_message_text = (found.text or "")[: timeline.EXCERPT]
    context = {"previous": {name: [before[name], value] for name, value in changed.items()}}
    told = events.about_message(found, conversation, events.MessageStatusChanged, actor=actor, context=context)
    timeline.append(conversation, [told])
    return True


def _locked(message: Message) -> Conversation:
    """Lock a message's conversation."""
    found = conversations_of(message.environment).get(pk=message.conversation_id)
    return timeline.lock(found).conversation


def _writer(message: Message) -> Actor:
    return Actor("user", message.contact.public_id)


def _is_older(at: datetime, known: str | None) -> bool:
    return known is not None and at < parse(known)
