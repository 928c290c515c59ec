"""Every resource of the client API below an inbox: find, parse, call one service, answer."""

from typing import Any

from django.http import HttpResponse

from contacts.models import ContactSession
from contacts.services import attributes, sessions
from conversations.api.public import dialect
from conversations.api.public.door import Call, done, inbox_resource, shown, whole_number
from conversations.dialect import contact_row
from conversations.models import Conversation, Message
from conversations.queries import conversations_for, last_shown_messages, shown_messages
from conversations.services import answers, attachments, conversations, messages, people
from core.errors import NotFound
from events.event import Actor

EMBEDDED = 20
PAGE = 20
FORWARD_PAGE = 100
MOST_CONVERSATIONS = 500
LONGEST_NAME = 255
CLAIMS = ("email", "name", "phone_number")


def show_inbox(call: Call) -> HttpResponse:
    """``GET inboxes/{identifier}``"""
    return shown(dialect.inbox_details(call.inbox))


def create_contact(call: Call) -> HttpResponse:
    """``POST contacts``: the session with that ``source_id``, or a new one."""
    said = call.parameters
    proved = call.proved_identifier()
    fields = _claims(call)
    if identifier := said.text("identifier"):
        fields["external_id"] = identifier
    if "name" in fields:
        fields["name"] = fields["name"][:LONGEST_NAME]
    session = sessions.open_session(
        inbox=call.inbox, source_id=said.text("source_id") or "", fields=fields, verified=proved is not None
    )
    if proved is not None:
        session = people.prove_identity(session=session, external_id=proved)
    return shown(dialect.contact_session(session))


def show_contact(call: Call) -> HttpResponse:
    """``GET contacts/{source_id}``, which with a pair also verifies the session."""
    return shown(dialect.contact_session(_proved_session(call)))


def update_contact(call: Call) -> HttpResponse:
    """``PATCH contacts/{source_id}``: what a person says of themselves; blank values change nothing."""
    session = _proved_session(call)
    fields = {name: value for name, value in _claims(call).items() if value}
    return shown(contact_row(people.describe(session=session, fields=fields)))


def list_conversations(call: Call) -> HttpResponse:
    """``GET conversations``: in the order of their numbers, each with the last it has to show."""
    session = call.trusted_session
    newest = list(conversations_for(session).order_by("-id")[:MOST_CONVERSATIONS])
    found = newest[::-1]
    said = last_shown_messages(found, EMBEDDED)
    return shown([dialect.conversation(talk, said[talk.pk]) for talk in found])


def create_conversation(call: Call) -> HttpResponse:
    """``POST conversations``; only ``custom_attributes`` is read."""
    session = call.trusted_session
    given = call.parameters.object("custom_attributes")
    talk = conversations.start(
        session=session,
        fields={"custom_attributes": given} if given else {},
        actor=Actor("user", session.contact.public_id),
    )
    return _shown_conversation(talk)


def show_conversation(call: Call) -> HttpResponse:
    """``GET conversations/{number}``"""
    return _shown_conversation(_conversation(call))


def resolve_conversation(call: Call) -> HttpResponse:
    """``POST conversations/{number}/toggle_status``, which despite its name only ever resolves."""
    talk = _conversation(call)
    if not talk.is_closed:
        talk = conversations.update(
            conversation=talk,
            fields={"status": Conversation.Status.CLOSED},
            actor=Actor("user", talk.contact.public_id),
            by_name=talk.contact.name,
        )
    return _shown_conversation(talk)


def toggle_typing(call: Call) -> HttpResponse:
    """``POST conversations/{number}/toggle_typing`` with ``typing_status`` on or off; other words mean nothing."""
    session, status = call.trusted_session, call.parameters.text("typing_status")
    if status in {"on", "off"}:
        conversations.typed_by_contact(session=session, number=call.number, is_on=status == "on")
    else:
        _conversation(call)
    return done()


def update_last_seen(call: Call) -> HttpResponse:
    """``POST conversations/{number}/update_last_seen``"""
    conversations.seen_by_contact(session=call.trusted_session, number=call.number)
    return done()


def list_messages(call: Call) -> HttpResponse:
    """``GET messages``: the latest 20; with ``before`` the 20 below an id, with ``after`` up to 100 above one."""
    talk = _conversation(call)
    before, after = (_leading_number(call.parameters.text(name)) for name in ("before", "after"))
    found = shown_messages(talk)
    if before is not None:
        found = found.filter(id__lt=before)
    if after is not None:
        said = list(found.filter(id__gt=after).order_by("id")[:FORWARD_PAGE])
    else:
        said = list(found.order_by("-id")[:PAGE])[::-1]
    return shown([dialect.message(each, number=talk.number) for each in said])


def create_message(call: Call) -> HttpResponse:
    """``POST messages``: what a person says, with files if there are any."""
    session, number, said = call.trusted_session, call.number, call.parameters
    text, echo_id = said.text("content") or None, said.text("echo_id") or None
    if not said.files:
        draft = messages.Draft(text, client_message_id=echo_id)
        return shown(dialect.message(messages.receive(session=session, number=number, draft=draft), number=number))
    _conversation(call)  # nothing is stored for a conversation that is not there
    with attachments.stored(call.inbox.environment, said.files) as files:
        draft = messages.Draft(text, files=files, type=Message.Type.MEDIA, client_message_id=echo_id)
        received = messages.receive(session=session, number=number, draft=draft)
    return shown(dialect.message(received, number=number))


def update_message(call: Call) -> HttpResponse:
    """``PATCH messages/{id}``: fills in the message's form; ``submitted_values`` is all that is read."""
    talk = _conversation(call)
    message = shown_messages(talk).filter(pk=whole_number(call.path["message_id"])).first()
    if message is None:
        raise NotFound("No such message.")
    message = answers.submit(
        conversation=talk,
        message=message,
        values=answers.read(call.parameters.raw("submitted_values")),
        actor=Actor("user", talk.contact.public_id),
    )
    return shown(dialect.message(message, number=talk.number))


def _claims(call: Call) -> dict[str, Any]:
    """Return what a person says of themselves; an avatar only by an address of the web."""
    said = call.parameters
    fields: dict[str, Any] = said.texts(*CLAIMS)
    avatar = said.text("avatar_url") or ""
    if avatar.startswith(("https://", "http://")) and len(avatar) <= 2048:
        fields["avatar_url"] = avatar
    if (given := said.object("custom_attributes")) is not None:
        fields["custom_attributes"] = attributes.without_nulls(given)
    return fields


def _proved_session(call: Call) -> ContactSession:
    """Return the session of a contact endpoint, verified if the request proves it. Raises SignatureMismatch."""
    session, proved = call.session, call.proved_identifier()
    return session if proved is None else people.prove_identity(session=session, external_id=proved)


def _conversation(call: Call) -> Conversation:
    """Return the conversation in the path, if the session may see it. Raises NotFound."""
    talk = conversations_for(call.trusted_session).filter(number=call.number).first()
    if talk is None:
        raise NotFound("No such conversation.")
    return talk


def _shown_conversation(talk: Conversation) -> HttpResponse:
    said = list(shown_messages(talk).order_by("-id")[:EMBEDDED])[::-1]
    return shown(dialect.conversation(talk, said))


def _leading_number(text: str | None) -> int | None:
    """Return the number a text begins with, 0 when it begins with none, None when there is no text."""
    if not text:
        return None
    digits = text.strip()
    length = next((place for place, letter in enumerate(digits) if letter not in "0123456789"), len(digits))
    return min(int(digits[:length][:19] or 0), 2**63 - 1)


inbox = inbox_resource(get=show_inbox)
contacts = inbox_resource(new_contacts=create_contact)
contact = inbox_resource(get=show_contact, patch=update_contact, put=update_contact)
conversation_list = inbox_resource(get=list_conversations, post=create_conversation)
conversation = inbox_resource(get=show_conversation)
status = inbox_resource(post=resolve_conversation)
typing = inbox_resource(post=toggle_typing)
last_seen = inbox_resource(post=update_last_seen)
message_list = inbox_resource(get=list_messages, post=create_message)
message = inbox_resource(patch=update_message, put=update_message)
