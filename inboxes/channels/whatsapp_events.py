"""What the WhatsApp Cloud API tells: messages, statuses, preferences, people whose address changed."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from inboxes.channels import graph_refusals, phones, whatsapp_templates
from inboxes.channels.answers import of_its_shape, sound, within
from inboxes.channels.incoming import (
    Card,
    Consent,
    Edited,
    Incoming,
    IncomingFile,
    Moved,
    Place,
    Reacted,
    Receipt,
    Said,
    Sender,
)
from inboxes.channels.whatsapp_bodies import USER_ID

FILES = {"image": "image", "sticker": "image", "video": "video", "audio": "audio", "document": "file"}
STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
TEMPLATE_STATUS = "message_template_status_update"
NUMBER_CHANGED = frozenset({"user_changed_number", "customer_changed_number"})


def read(change: Mapping[str, Any]) -> Iterator[Incoming]:
    """Yield what one change says. Raises ValueError for what is not shaped as WhatsApp's are."""
    with of_its_shape():
        value = change["value"]
        if change["field"] == TEMPLATE_STATUS:
            yield from whatsapp_templates.changed(value)
            return
        people = [each for each in value.get("contacts") or () if isinstance(each, dict)]
        for message in value.get("messages") or ():
            yield from _message(message, people)
        for status in value.get("statuses") or ():
            yield from _status(status)
        for preference in value.get("user_preferences") or ():
            yield _preference(preference)
        for update in value.get("user_id_update") or ():
            yield from _moved(within(update, "user_id", "previous"), within(update, "user_id", "current"))


def _message(message: Mapping[str, Any], people: list[dict[str, Any]]) -> Iterator[Incoming]:
    if message["type"] == "system":
        yield from _system(message, people)
        return
    sender = _sender(message, people)
    try:
        yield from sound([_told(message, sender)])
    except (KeyError, TypeError, AttributeError, ValueError):  # a kind that was changed since: shown as unknown
        yield _said(message, sender, unsupported=str(message["type"]), raw=message)


def _told(message: Mapping[str, Any], sender: Sender) -> Incoming:
    """Return a message of a kind of its own; anything else is ``Said``."""
    event, at = message["id"], _moment(message["timestamp"])
    match message["type"]:
        case "reaction":
            reaction = message["reaction"]
            return Reacted(event, reaction["message_id"], sender, at, reaction.get("emoji") or "")
        case "edit":
            edit = message["edit"]
            return Edited(event, edit["original_message_id"], sender, at, _text_of(edit["message"]))
        case "revoke":
            return Edited(event, message["revoke"]["original_message_id"], sender, at, deleted=True)
        case _:
            return _said(message, sender, **_content(message))


def _said(message: Mapping[str, Any], sender: Sender, **content: Any) -> Said:
    context = message.get("context") or {}
    if "raw" not in content and "referral" in message:
        content["raw"] = {"referral": message["referral"]}  # the advertisement that brought the person here
    answered = str(within(context, "id") or "")
    return Said(message["id"], sender, _moment(message["timestamp"]), reply_to=answered, **content)


def _content(message: Mapping[str, Any]) -> dict[str, Any]:
    kind = message["type"]
    if kind in FILES:
        return {"text": message[kind].get("caption") or "", "files": [_file(kind, message[kind])]}
    if kind == "interactive":
        return _chosen(message)
    read = SIMPLE.get(kind)
    if read is not None:
        return read(message[kind])
    return {"unsupported": str(within(message, "unsupported", "type") or kind), "raw": message}


def _chosen(message: Mapping[str, Any]) -> dict[str, Any]:
    interactive = message["interactive"]
    kind = interactive["type"]
    if kind in {"button_reply", "list_reply"}:
        return {"text": interactive[kind]["title"], "choice": interactive[kind]["id"]}
    return {"text": str(within(interactive, kind, "body") or ""), "unsupported": kind, "raw": message}


def _text_of(message: Mapping[str, Any]) -> str:
    """Return the words of a message that was edited: its text or its caption."""
    content = message[message["type"]]
    return str(content.get("body") or content.get("caption") or "")


def _file(kind: str, media: Mapping[str, Any]) -> IncomingFile:
    # Its id is good for days; the URL that may come along, for five minutes.
    reference = str(media.get("id") or media["url"])
    return IncomingFile(FILES[kind], reference, str(media.get("filename") or ""), str(media.get("mime_type") or ""))


SIMPLE: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "text": lambda text: {"text": text["body"]},
    "button": lambda button: {"text": button["text"], "choice": button.get("payload") or ""},
    "location": lambda location: {"places": [_place(location)]},
    "contacts": lambda told: {"cards": [_card(each) for each in told]},
}


def _place(location: Mapping[str, Any]) -> Place:
    name, address = str(location.get("name") or ""), str(location.get("address") or "")
    return Place(float(location["latitude"]), float(location["longitude"]), name, address)


def _card(told: Mapping[str, Any]) -> Card:
    numbers = [str(each.get("phone") or each.get("wa_id") or "") for each in told.get("phones") or ()]
    emails = [str(each.get("email") or "") for each in told.get("emails") or ()]
    name = str(within(told, "name", "formatted_name") or within(told, "name", "first_name") or "")
    return Card(name, [each for each in numbers if each], [each for each in emails if each])


def _sender(message: Mapping[str, Any], people: list[dict[str, Any]]) -> Sender:
    number, user_id = message.get("from"), message.get("from_user_id")
    # Only of a message that names nobody the one person who is told of is the one who wrote it.
    only = people[0] if len(people) == 1 and not (number or user_id) else {}
    person = next((each for each in people if _is(each, number, user_id)), only)
    told = [number, person.get("wa_id"), user_id, person.get("user_id"), message.get("from_parent_user_id")]
    addresses = list(dict.fromkeys(address_of(str(each)) for each in told if each))
    if not addresses:
        raise ValueError("A message says of nobody that they wrote it.")
    first, *others = addresses
    phone = phones.e164(first) or ""
    name = str(within(person, "profile", "name") or within(person, "profile", "username") or "")
    return Sender(first, name, others, phone_number=phone)


def _is(person: Mapping[str, Any], number: Any, user_id: Any) -> bool:
    """
    Whether a person is the one with that number and user id: the same by one of them, and no other by the other.

    A number may be written otherwise (``phones.variants``). Whoever is taken for another here becomes one with them.
    """
    pairs = [
        (address_of(str(told)), address_of(str(ours)))
        for told, ours in ((person.get("wa_id"), number), (person.get("user_id"), user_id))
        if told and ours
    ]
    return bool(pairs) and all(told == ours or told in phones.variants(ours) for told, ours in pairs)


def address_of(told: str) -> str:
    """Return what WhatsApp calls somebody as an address: a user id as it is, a phone number with its +."""
    return told if USER_ID.fullmatch(told) else phones.from_provider(told)


def _system(message: Mapping[str, Any], people: list[dict[str, Any]]) -> Iterator[Incoming]:
    system = message["system"]
    kind = str(system.get("type") or "")
    if kind in NUMBER_CHANGED:
        before, after = system.get("customer") or message.get("from"), system.get("wa_id") or system.get("new_wa_id")
        yield from _moved(before, after)
        yield from _moved(system.get("previous_user_id"), system.get("user_id"))
    elif kind == "user_changed_user_id":
        yield from _moved(system.get("previous_user_id") or message.get("from_user_id"), system.get("user_id"))
    else:  # a new telephone with the same number, for instance: the person has not moved
        text = str(system.get("body") or "")
        yield _said(message, _sender(message, people), text=text, unsupported=kind or "system", raw=message)


def _moved(before: Any, after: Any) -> Iterator[Moved]:
    if before and after and before != after:
        yield Moved(address_of(str(before)), address_of(str(after)))


def _status(told: Mapping[str, Any]) -> Iterator[Receipt]:
    status = STATUSES.get(str(told.get("status")))
    if status is None:
        return
    who = told.get("recipient_id") or told.get("recipient_user_id")
    yield Receipt(
        status,
        _moment(told["timestamp"]),
        provider_id=str(told["id"]),
        message_id=str(told.get("biz_opaque_callback_data") or ""),
        address=address_of(str(who)) if who else "",
        failure=graph_refusals.failure(told.get("errors") or ()) if status == "failed" else None,
    )


def _preference(told: Mapping[str, Any]) -> Consent:
    who = told.get("wa_id") or told["user_id"]
    is_given = str(told["value"]).lower() != "stop"
    return Consent(address_of(str(who)), is_given, scope="marketing", at=_moment(told["timestamp"]))


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
