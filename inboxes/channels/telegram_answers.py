"""What the Telegram Bot API's answers mean."""

from typing import Any

from inboxes.channels import answers
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent
from inboxes.channels.outgoing import Outgoing, Reply

# The API tells its errors apart by words alone. They are looked for in this order, in lower case.
FORBIDDEN = (
    ("blocked by the user", Rejected("opted_out", suppresses="all")),
    ("user is deactivated", Rejected("recipient_not_reachable", suppresses="all")),
    ("kicked", Rejected("recipient_not_reachable", suppresses="all")),
    ("not a member", Rejected("recipient_not_reachable", suppresses="all")),
    ("was deleted", Rejected("recipient_not_reachable", suppresses="all")),
)
BAD_REQUEST = (
    ("chat not found", Rejected("recipient_not_reachable")),
    ("user not found", Rejected("recipient_not_reachable")),
    ("can't initiate conversation", Rejected("recipient_not_reachable")),
    ("peer_id_invalid", Rejected("invalid_recipient")),
    ("chat_id is empty", Rejected("invalid_recipient")),
    ("not enough rights", Rejected("recipient_not_reachable")),
    ("have no rights", Rejected("recipient_not_reachable")),
    ("chat_write_forbidden", Rejected("recipient_not_reachable")),
    ("chat_restricted", Rejected("recipient_not_reachable")),
    ("user_is_blocked", Rejected("opted_out", suppresses="all")),
    ("failed to get http url content", Rejected("media_refused")),
    ("wrong type of the web page content", Rejected("media_refused")),
    ("wrong file identifier", Rejected("media_refused")),
    ("wrong remote file", Rejected("media_refused")),
    ("file is too big", Rejected("media_refused")),
    ("photo_", Rejected("media_refused")),
    ("image_process_failed", Rejected("media_refused")),
    ("webpage_", Rejected("media_refused")),
    ("media_", Rejected("media_refused")),
    ("voice_messages_forbidden", Rejected("media_refused")),
    ("external_url_invalid", Rejected("media_refused")),
)


def meaning(reply: Reply, message: Outgoing) -> Outcome:
    """Return what the answer to a sending method means."""
    said = reply.document
    if said.get("ok") is True:
        return _sent(said.get("result"), message)
    detail = str(said.get("description") or f"HTTP {reply.status}")
    code = said.get("error_code") or reply.status
    if new_address := answers.within(said, "parameters", "migrate_to_chat_id"):
        return Deferred("invalid_recipient", detail, str(code), 0.0, address=str(new_address), counts=False)
    if code == 429:
        return _asked_to_wait(reply, message, detail)
    return refusal(code, detail) or answers.by_status(reply, detail, str(code))


def refusal(code: int, detail: str) -> Rejected | None:
    """Return what an error of the API means, None where no table knows."""
    if code in {401, 404}:  # no method is unknown here, so that it is the token that was not found
        return Rejected("channel_auth_failed", detail, str(code), disconnects=True)
    if code == 403:
        found = answers.first_of(FORBIDDEN, detail) or Rejected("recipient_not_reachable")
    elif code == 400:
        found = answers.first_of(BAD_REQUEST, detail) or Rejected("invalid_for_provider")
    else:
        return None
    return Rejected(found.code, detail[: answers.SHOWN], str(code), found.suppresses)


def _sent(result: Any, message: Outgoing) -> Outcome:
    """An album is answered with all of its messages; the first stands for them."""
    first = result[0] if isinstance(result, list) and result else result
    try:
        chat = str(first["chat"]["id"])
        return Sent(f"{chat}:{first['message_id']}", () if chat == message.address else (chat,))
    except (KeyError, TypeError):
        return Sent("")


def _asked_to_wait(reply: Reply, message: Outgoing, detail: str) -> Outcome:
    """Nothing says whether the chat is flooded or the bot: groups have a limit of their own, people hardly reach it."""
    told = answers.within(reply.document, "parameters", "retry_after")
    seconds = float(told) if isinstance(told, int | float) else reply.retry_after
    return Deferred(
        "rate_limited", detail, "429", seconds, pauses="recipient" if message.address.startswith("-") else "account"
    )
