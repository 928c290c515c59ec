"""What LINE's webhook events say."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from inboxes.channels.incoming import Consent, Edited, Incoming, IncomingFile, Place, Said, Sender

Json = Mapping[str, Any]
Reader = Callable[[Json], Iterator[Incoming]]

FILES = {"image": "image", "video": "video", "audio": "audio", "file": "file"}
BEFORE_TITLE = "\n"  # in a button's data, which is the only thing LINE tells of it
# LINE does not say what a file is, only what sort of message it came in.
USUAL_TYPES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp4"}


def read(event: Json) -> Iterator[Incoming]:
    """Yield what an event says. Raises KeyError or TypeError for what is not shaped as one."""
    if event.get("source"):  # what concerns the account as a whole comes from nobody
        yield from READERS.get(event["type"], _strange)(event)


def _message(event: Json) -> Iterator[Incoming]:
    message = event["message"]
    kind = message["type"]
    is_known = kind in {"text", "location", *FILES}
    yield Said(
        str(message["id"]),
        _sender(event),
        _at(event),
        text=message.get("text", ""),
        files=[_file(message)] if kind in FILES else [],
        places=[_place(message)] if kind == "location" else [],
        reply_to=str(message.get("quotedMessageId", "")),
        unsupported="" if is_known else kind,
        raw={} if is_known else message,
    )


def _pressed(event: Json) -> Iterator[Incoming]:
    """A button was pressed: ours say their title as well, those of the console's menus nothing but their data."""
    choice, _, title = str(event["postback"]["data"]).rpartition(BEFORE_TITLE)
    yield Said(event["webhookEventId"], _sender(event), _at(event), text=title, choice=choice or title)


def _taken_back(event: Json) -> Iterator[Incoming]:
    target = str(event["unsend"]["messageId"])
    yield Edited(event["webhookEventId"], target, _sender(event), _at(event), deleted=True)


def _there(event: Json) -> Iterator[Incoming]:
    yield Consent(_address(event), is_given=True, at=_at(event))


def _gone(event: Json) -> Iterator[Incoming]:
    yield Consent(_address(event), is_given=False, at=_at(event))


def _strange(event: Json) -> Iterator[Incoming]:
    yield Said(event["webhookEventId"], _sender(event), _at(event), unsupported=event["type"], raw=event)


READERS: dict[str, Reader] = {
    "message": _message,
    "postback": _pressed,
    "unsend": _taken_back,
    "follow": _there,
    "join": _there,
    "unfollow": _gone,
    "leave": _gone,
}


def _address(event: Json) -> str:
    """Return where an answer goes: to the group or room where somebody wrote in one."""
    source = event["source"]
    return str(source[f"{source['type']}Id"])


def _sender(event: Json) -> Sender:
    return Sender(_address(event))


def _at(event: Json) -> datetime:
    return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)


def _file(message: Json) -> IncomingFile:
    """Content lies with LINE, under the message's id, unless whoever sent it keeps it elsewhere."""
    provider, kind = message.get("contentProvider") or {}, FILES[message["type"]]
    reference = provider["originalContentUrl"] if provider.get("type") == "external" else message["id"]
    return IncomingFile(kind, str(reference), message.get("fileName", ""), USUAL_TYPES.get(kind, ""))


def _place(message: Json) -> Place:
    return Place(message["latitude"], message["longitude"], message.get("title", ""), message.get("address", ""))
