"""Which buttons somebody was offered in an inbox of a sandbox: they can press those, and no others."""

from collections.abc import Iterator, Mapping
from typing import Any

from contacts.models import ContactSession
from conversations.models import Message
from core.errors import Problem
from inboxes.channels import rendering
from inboxes.models import Inbox, Template

LATEST = 20  # messages that are looked through
MOST_NAMED = 20
OFFERS = (Message.Type.BUTTON, Message.Type.TEMPLATE)
NEVER_CAME = (Message.Status.SCHEDULED, Message.Status.FAILED, Message.Status.CANCELED)


def latest(inbox: Inbox, address: str) -> Iterator[Message]:
    """Yield the messages that may have offered buttons to whoever has an address, the latest first."""
    known = ContactSession.of(inbox.environment).filter(inbox=inbox, source_id=address).values("contact")
    theirs = Message.of(inbox.environment).filter(
        conversation__inbox=inbox, contact__in=known, direction=Message.Direction.OUTBOUND, type__in=OFFERS
    )
    yield from theirs.exclude(status__in=NEVER_CAME).order_by("-pk")[:LATEST]


def titles(message: Message) -> dict[str, str]:
    """Return a message's buttons that can be pressed: their titles by their ids, a template's too."""
    if message.type != Message.Type.TEMPLATE:
        buttons = message.payload.get("buttons") or []
        return {str(each["id"]): str(each.get("title") or each["id"]) for each in buttons if each.get("id")}
    named = {"name": message.payload.get("name"), "language": message.payload.get("language")}
    inboxes = (message.conversation.inbox_id, None)
    rows = [each for each in Template.of(message.environment).filter(**named) if each.inbox_id in inboxes]
    said = rendering.render(rows[0].components, message.payload.get("variables") or {}) if rows else None
    return {button.id: button.title for button in (said.buttons if said else ()) if button.id}


def problems(inbox: Inbox, address: str, button: Mapping[str, Any], answered: Message | None) -> list[Problem]:
    """Return why a button cannot be pressed: nobody offered it, in the message that is answered or in any."""
    asked = [answered] if answered is not None else list(latest(inbox, address))
    offered = list(dict.fromkeys(each for message in asked for each in titles(message)))
    if button["id"] in offered:
        return []
    where = f"in {answered.public_id}" if answered is not None else f"to {address[:80]} in this inbox"
    words = f"Nobody offered a button {button['id'][:80]!r} {where}. "
    if offered:
        others = " and others" if len(offered) > MOST_NAMED else ""
        words += f"These were offered: {', '.join(offered[:MOST_NAMED])}{others}."
    else:
        words += "Send them a message with buttons first: POST /v1/send-message."
    return [Problem("button.id", "unknown_button", words)]
