"""What Messenger and Instagram tell: messages, postbacks, reactions, edits, receipts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from inboxes.channels.answers import of_its_shape, within
from inboxes.channels.incoming import Edited, Incoming, IncomingFile, Place, Reacted, Receipt, Said, Sender

FILES = {"image": "image", "animated_image": "image", "video": "video", "audio": "audio", "file": "file"}
ECHOED_IDS = "msg_"  # how an id of ours begins
# Of the conversation, not of the person: who answers it, and what another of our own tools said.
NOT_SAID = frozenset({"sender", "recipient", "timestamp", "pass_thread_control", "take_thread_control",
                      "request_thread_control", "app_roles"})  # fmt: skip


def read(event: Mapping[str, Any]) -> Iterator[Incoming]:
    """Yield what one event says. Raises ValueError for what is not shaped as Meta's are."""
    with of_its_shape():
        if "delivery" in event:
            yield from _delivered(event)
        elif "read" in event:
            yield _seen(event)
        elif within(event, "message", "is_echo"):
            yield from _echoed(event)
        elif "message" in event:
            yield _message(event)
        elif "message_edit" in event:
            yield _edited(event)
        elif "reaction" in event:
            yield _reacted(event)
        elif "postback" in event:
            yield _chosen(event)
        else:
            yield from _other(event)


def _message(event: Mapping[str, Any]) -> Said | Edited:
    message, sender, at = event["message"], _sender(event), _moment(event["timestamp"])
    if message.get("is_deleted"):
        return Edited(f"{message['mid']}:deleted", message["mid"], sender, at, deleted=True)
    attachments = [each for each in message.get("attachments") or () if isinstance(each, dict)]
    unknown = "unsupported" if message.get("is_unsupported") else _unknown(attachments)
    referral = {"referral": message["referral"]} if "referral" in message else {}
    return Said(
        message["mid"],
        sender,
        at,
        text=_text(message, attachments),
        files=_files(attachments),
        places=list(_places(attachments)),
        choice=str(within(message, "quick_reply", "payload") or ""),
        reply_to=str(within(message, "reply_to", "mid") or ""),
        unsupported=unknown,
        raw=event if unknown or within(message, "reply_to", "story") else referral,
    )


def _text(message: Mapping[str, Any], attachments: Sequence[Mapping[str, Any]]) -> str:
    """Return the words; a page that was shared without any is said by its title and address."""
    text = str(message.get("text") or "")
    for each in attachments:
        url = within(each, "payload", "url") or each.get("url")
        if each.get("type") in FILES or not isinstance(url, str) or url in text:
            continue
        title = within(each, "payload", "title") or each.get("title") or ""
        text = "\n".join(filter(None, [text, str(title), url]))
    return text


def _files(attachments: Sequence[Mapping[str, Any]]) -> list[IncomingFile]:
    urls = [(str(each.get("type")), within(each, "payload", "url")) for each in attachments]
    return [IncomingFile(FILES[kind], url) for kind, url in urls if kind in FILES and isinstance(url, str)]


def _places(attachments: Sequence[Mapping[str, Any]]) -> Iterator[Place]:
    for each in attachments:
        where = within(each, "payload", "coordinates")
        if each.get("type") == "location" and where:
            yield Place(float(where["lat"]), float(where["long"]), str(each.get("title") or ""))


def _unknown(attachments: Sequence[Mapping[str, Any]]) -> str:
    """Return the kind of the first attachment that is no file that could be fetched, no place and no link."""
    for each in attachments:
        kind, url = str(each.get("type")), within(each, "payload", "url")
        if kind not in {"location", "fallback"} and not (kind in FILES and isinstance(url, str)):
            return kind
    return ""


def _edited(event: Mapping[str, Any]) -> Edited:
    edit, at = event["message_edit"], _moment(event["timestamp"])
    which = edit.get("num_edit") or event["timestamp"]
    return Edited(f"{edit['mid']}:edit:{which}", edit["mid"], _sender(event), at, str(edit.get("text") or ""))


def _reacted(event: Mapping[str, Any]) -> Reacted:
    reaction, sender, at = event["reaction"], _sender(event), _moment(event["timestamp"])
    emoji = "" if reaction.get("action") == "unreact" else str(reaction.get("emoji") or "")
    return Reacted(f"{reaction['mid']}:reaction:{event['timestamp']}", reaction["mid"], sender, at, emoji)


def _chosen(event: Mapping[str, Any]) -> Said:
    postback, at = event["postback"], _moment(event["timestamp"])
    event_id = str(postback.get("mid") or _made_id("postback", event))
    referral = {"referral": postback["referral"]} if "referral" in postback else {}
    return Said(
        event_id, _sender(event), at, text=str(postback.get("title") or ""), choice=str(postback.get("payload") or ""),
        raw=referral,
    )  # fmt: skip


def _echoed(event: Mapping[str, Any]) -> Iterator[Receipt]:
    """Yield that a message of ours was taken: it brings our id, even where the answer to the call was lost."""
    message = event["message"]
    ours = str(message.get("metadata") or "")
    if ours.startswith(ECHOED_IDS):
        whom = str(event["recipient"]["id"])
        yield Receipt("sent", _moment(event["timestamp"]), str(message["mid"]), ours, whom)


def _delivered(event: Mapping[str, Any]) -> Iterator[Receipt]:
    delivery, whom = event["delivery"], str(event["sender"]["id"])
    until = _moment(delivery["watermark"])
    for message in delivery.get("mids") or ():
        yield Receipt("delivered", until, provider_id=str(message), address=whom)
    yield Receipt("delivered", until, address=whom, watermark=until)


def _seen(event: Mapping[str, Any]) -> Receipt:
    seen, whom = event["read"], str(event["sender"]["id"])
    if "mid" in seen:
        return Receipt("read", _moment(event["timestamp"]), provider_id=str(seen["mid"]), address=whom)
    until = _moment(seen["watermark"])
    return Receipt("read", until, address=whom, watermark=until)


def _other(event: Mapping[str, Any]) -> Iterator[Said]:
    """Yield an event of a kind that has no place of its own: a referral, an opt-in, an order."""
    kind = next((name for name in event if name not in NOT_SAID), "")
    if kind and within(event, "sender", "id"):
        at = _moment(event["timestamp"])
        yield Said(_made_id(kind, event), _sender(event), at, unsupported=kind, raw=event)


def _made_id(kind: str, event: Mapping[str, Any]) -> str:
    return f"{kind}:{event['sender']['id']}:{event['timestamp']}"


def _sender(event: Mapping[str, Any]) -> Sender:
    return Sender(str(event["sender"]["id"]))


def _moment(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
