"""The sandbox plays people: what somebody writes comes as their provider would tell it, or as our own clients write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Environment
from contacts.models import ContactSession
from contacts.services import sessions
from conversations.models import Message
from conversations.services import messages, outreach
from conversations.services.attachments import StoredFile
from core import ids
from core.errors import Invalid, Problem, invalid
from events.event import Actor as Who
from inbound.models import RawCallback
from inbound.services import drafts, scenes, simulating
from inboxes.channels import enacted
from inboxes.channels.enacted.actor import Actor, Scene
from inboxes.channels.incoming import Callback, IncomingFile, Place, Said, Sender
from inboxes.models import Inbox

LATEST = 20  # messages with buttons that are looked through for the one that is pressed


@dataclass(frozen=True, slots=True)
class Played:
    """What was done: a callback that came in, or on the cable's channels the message itself."""

    inbox: Inbox
    address: str
    row: RawCallback | None = None
    callback: Callback | None = None
    message: Message | None = None


def say(environment: Environment, asked: Mapping[str, Any]) -> Played:
    """
    Let somebody write to an inbox of a sandbox.

    Raises Invalid, naming every wrong field, and for an inbox whose settings are not whole enough to be called.
    """
    inbox = scenes.inbox_of(environment, asked)
    actor = enacted.actor_for(inbox.channel, inbox.settings)
    if problems := scenes.problems(inbox, actor, asked):
        raise Invalid(*problems)
    if actor is None:
        return _write(inbox, asked)
    return _tell(inbox, actor, asked)


def _tell(inbox: Inbox, actor: Actor, asked: Mapping[str, Any]) -> Played:
    address = scenes.address_of(inbox, asked["from"])
    assert address is not None
    answered = _answered(inbox, address, asked)
    if answered is not None and not answered.provider_id:
        raise invalid("reply_to", f"{answered.public_id} has not been sent yet.", code="not_sent")
    said = _said(actor, address, answered, asked)
    if answered is not None:
        named = actor.named(answered.public_id, answered.provider_id or "", inbox.settings)
        said = replace(said, reply_to=named)
    try:
        callback = actor.said(said, Scene(inbox.settings, inbox.callback_url, said.at))
    except KeyError as missing:
        raise Invalid(Problem("inbox_id", "not_whole", f"The inbox has no setting {missing}.")) from missing
    return Played(inbox, address, simulating.take(inbox, callback), callback)


def _said(actor: Actor, address: str, answered: Message | None, asked: Mapping[str, Any]) -> Said:
    button = asked.get("button")
    title = _title(answered, button) if button else ""
    return Said(
        actor.said_id(address, uuid4(), is_choice=button is not None),
        Sender(address, asked.get("name", "")),
        timezone.now(),
        text=title or asked.get("text") or "",
        files=_files(asked),
        places=_places(asked),
        choice=actor.data(button["id"]) if button else "",
        mail={"subject": asked.get("subject") or _subject(answered)},
    )


def _write(inbox: Inbox, asked: Mapping[str, Any]) -> Played:
    """Write as our own clients do: the session's conversation goes on, or begins."""
    named = {"name": asked["name"]} if asked.get("name") else {}
    session = sessions.open_session(inbox=inbox, source_id=asked["from"], fields=named)
    talk = outreach.carry_on(session=session, actor=Who("user", session.contact.public_id))
    answered, button = _answered(inbox, session.source_id, asked), asked.get("button")
    said = Said("", Sender(session.source_id), timezone.now(), places=_places(asked),
                text=_title(answered, button) if button else asked.get("text") or "",
                choice=button["id"] if button else "")  # fmt: skip
    files = [
        StoredFile("", each.filename, each.content_type, 0, external_url=each.reference, type=each.kind)
        for each in _files(asked)
    ]
    draft = replace(drafts.draft(said, files, [], answered=answered, choice=said.choice), content_attributes={})
    message = messages.receive(session=session, number=talk.number, draft=draft)
    return Played(inbox, session.source_id, message=message)


def _answered(inbox: Inbox, address: str, asked: Mapping[str, Any]) -> Message | None:
    """Return the message that is answered: the one that is named, or the last with the button that is pressed."""
    here = Message.of(inbox.environment).filter(conversation__inbox=inbox)
    if "reply_to" in asked:
        row = ids.decode("msg", asked["reply_to"])
        found: Message | None = here.filter(pk=row).first() if row is not None else None
        if found is None:
            raise invalid("reply_to", f"There is no message {asked['reply_to'][:80]!r} in this inbox.",
                          code="unknown_message")  # fmt: skip
        return found
    if "button" not in asked:
        return None
    known = ContactSession.of(inbox.environment).filter(inbox=inbox, source_id=address).values("contact")
    theirs = here.filter(contact__in=known, direction=Message.Direction.OUTBOUND, payload__has_key="buttons")
    latest = theirs.exclude(provider_id=None).order_by("-pk")[:LATEST]
    return next((each for each in latest if asked["button"]["id"] in _titles(each)), None)


def _titles(message: Message) -> dict[str, str]:
    buttons = message.payload.get("buttons") or []
    return {str(each["id"]): str(each.get("title") or each["id"]) for each in buttons if each.get("id")}


def _title(answered: Message | None, button: Mapping[str, Any]) -> str:
    known = _titles(answered) if answered is not None else {}
    return button.get("title") or known.get(button["id"]) or str(button["id"])


def _subject(answered: Message | None) -> str:
    return f"Re: {answered.payload.get('subject') or 'your message'}" if answered is not None else ""


def _files(asked: Mapping[str, Any]) -> Sequence[IncomingFile]:
    media = asked.get("media")
    if media is None:
        return ()
    kind = "file" if media["type"] == "document" else media["type"]
    named = media.get("filename") or ""
    file = IncomingFile(kind, media.get("url", ""), named, media.get("content_type") or "", media.get("content", b""))
    return [file]


def _places(asked: Mapping[str, Any]) -> Sequence[Place]:
    place = asked.get("location")
    if place is None:
        return ()
    return [Place(place["latitude"], place["longitude"], place.get("name", ""), place.get("address", ""))]
