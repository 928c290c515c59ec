"""The sandbox plays people: what somebody writes comes as their provider would tell it, or as our own clients write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Environment
from contacts.services import sessions
from conversations.models import Message
from conversations.services import messages, outreach
from conversations.services.attachments import StoredFile
from core import ids
from core.errors import Invalid, Problem, invalid
from events.event import Actor as Who
from inbound.models import RawCallback
from inbound.services import drafts, offers, scenes, simulating
from inboxes.channels import enacted
from inboxes.channels.enacted.actor import Actor, Scene
from inboxes.channels.incoming import Callback, IncomingFile, Place, Said, Sender
from inboxes.models import Inbox


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
    found, address = [*scenes.problems(inbox, actor, asked)], scenes.address_of(inbox, asked["from"])
    answered = None if address is None else _answered(inbox, address, asked, found)
    if found or address is None:
        raise Invalid(*found)
    if actor is None:
        return _write(inbox, answered, asked)
    return _tell(inbox, actor, address, answered, asked)


def _tell(
    inbox: Inbox, actor: Actor, address: str, answered: Message | None, asked: Mapping[str, Any]
) -> Played:  # fmt: skip
    if answered is not None and not answered.provider_id:
        field = "reply_to" if "reply_to" in asked else "button.id"
        raise invalid(field, f"{answered.public_id} has not been sent yet.", code="not_sent")
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


def _write(inbox: Inbox, answered: Message | None, asked: Mapping[str, Any]) -> Played:
    """Write as our own clients do: the session's conversation goes on, or begins."""
    named = {"name": asked["name"]} if asked.get("name") else {}
    session = sessions.open_session(inbox=inbox, source_id=asked["from"], fields=named)
    talk = outreach.carry_on(session=session, actor=Who("user", session.contact.public_id))
    button = asked.get("button")
    said = Said("", Sender(session.source_id), timezone.now(), places=_places(asked),
                text=_title(answered, button) if button else asked.get("text") or "",
                choice=button["id"] if button else "")  # fmt: skip
    files = [
        StoredFile("", each.filename, each.content_type, 0, external_url=each.reference, type=each.kind)
        for each in _files(asked)
    ]
    draft = replace(
        drafts.draft(said, files, [], answered=answered, choice=said.choice, is_proved=True), content_attributes={}
    )
    message = messages.receive(session=session, number=talk.number, draft=draft)
    return Played(inbox, session.source_id, message=message)


def _answered(inbox: Inbox, address: str, asked: Mapping[str, Any], found: list[Problem]) -> Message | None:
    """
    Return the message that is answered: the one that is named, or the last with the button that is pressed.

    What is wrong with either goes to ``found``.
    """
    answered, button = None, asked.get("button")
    if "reply_to" in asked:
        row = ids.decode("msg", asked["reply_to"])
        here = Message.of(inbox.environment).filter(conversation__inbox=inbox)
        answered = here.filter(pk=row).first() if row is not None else None
        if answered is None:
            words = f"There is no message {asked['reply_to'][:80]!r} in this inbox."
            found.append(Problem("reply_to", "unknown_message", words))
            return None
    if button is None or any(each.field == "button" for each in found):
        return answered
    found += offers.problems(inbox, address, button, answered)
    return answered or next(
        (each for each in offers.latest(inbox, address) if button["id"] in offers.titles(each)), None
    )


def _title(answered: Message | None, button: Mapping[str, Any]) -> str:
    known = offers.titles(answered) if answered is not None else {}
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
