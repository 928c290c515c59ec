"""What servers and providers answer to a mail, judged: by the code first, and by how far it got."""

import re
from collections.abc import Mapping

from core.errors import Problem
from inboxes.channels.base import Checked
from inboxes.channels.mails import threads
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import Reply

# Headers of a Reply that tell what its status alone does not.
STAGE, MESSAGE_ID, VIA, RECIPIENT_STATUS = "x-stage", "x-message-id", "x-via", "x-recipient-status"
HELLO, LOGIN, RECIPIENT = "hello", "login", "recipient"
ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
NO_LOGIN = {530, 534, 535, 538}
SETTING_OF = {LOGIN: "settings.smtp_password", HELLO: "settings.smtp_host"}
REFUSED_ACCOUNT = {401: "channel_auth_failed", 402: "account_restricted", 403: "channel_auth_failed"}
# What anymail says of a recipient; one that is rejected is on the provider's own list of those it does not write to.
REFUSED_RECIPIENT = {"invalid": "invalid_recipient", "rejected": "recipient_not_reachable", "failed": "undelivered"}
OUTCOMES: Mapping[str, tuple[str, str]] = {  # of the enhanced code (RFC 3463): our code, what is suppressed
    "5.1.1": ("invalid_recipient", "all"),
    "5.1.2": ("invalid_recipient", ""),
    "5.1.3": ("invalid_recipient", ""),
    "5.1.6": ("invalid_recipient", ""),
    "5.1.10": ("invalid_recipient", "all"),
    "5.2.1": ("recipient_not_reachable", ""),
    "5.2.2": ("undelivered", ""),
    "5.2.3": ("media_refused", ""),
    "5.3.4": ("media_refused", ""),
    "5.4.4": ("invalid_recipient", ""),
}


def judge(reply: Reply) -> Outcome:
    """Return what an answer means."""
    return _judge_api(reply) if reply.headers.get(VIA) == "api" else _judge_smtp(reply)


def judge_check(reply: Reply) -> Checked:
    """Return what an answer to a login says: a problem of the password, or of the server."""
    if 200 <= reply.status < 300:
        return Checked(facts={})
    said, stage = _words(reply), reply.headers.get(STAGE, "")
    if reply.headers.get(VIA) == "smtp":
        field = stage if stage.startswith("settings.") else SETTING_OF.get(stage, "settings.smtp_host")
        return Checked(Problem(field, "channel_auth_failed", f"The server refuses: {said}"))
    if reply.status in REFUSED_ACCOUNT:
        return Checked(Problem("settings.api_key", "channel_auth_failed", f"The provider refuses this key: {said}"))
    return Checked(Problem("settings.provider", "provider_unavailable", f"The provider answers {reply.status}: {said}"))


def enhanced_code(text: str) -> str:
    """Return the first enhanced status code in a text, such as ``5.1.1``; empty where there is none."""
    match = ENHANCED.search(text)
    return match[0] if match else ""


def of_bounce(code: str, detail: str) -> Rejected:
    """Return what a failure reported later means, by its enhanced code."""
    ours, suppresses = OUTCOMES.get(code, ("undelivered", ""))
    return Rejected(ours, detail[:500], code, suppresses=suppresses)


def _judge_smtp(reply: Reply) -> Outcome:
    said = _words(reply)
    enhanced, stage = enhanced_code(said), reply.headers.get(STAGE)
    told = enhanced or str(reply.status)
    if 200 <= reply.status < 300:
        return Sent(_id(reply))
    if reply.status in NO_LOGIN or (stage == LOGIN and reply.status >= 500):
        return Rejected("channel_auth_failed", said, told, disconnects=True)
    if reply.status < 500 or stage == HELLO:  # a server that speaks to nobody, or not to us, may tomorrow
        return Deferred("rate_limited" if enhanced.startswith("4.7.") else "provider_unavailable", said, told)
    ours, suppresses = _refusal(reply.status, enhanced, at_recipient=stage == RECIPIENT)
    return Rejected(ours, said, told, suppresses)


def _refusal(status: int, enhanced: str, *, at_recipient: bool) -> tuple[str, str]:
    """Return what a 5xx means for the message, and what may not be sent to the address any more."""
    if enhanced.startswith("5.7."):  # a rule of theirs; it says nothing of the address
        return "invalid_for_provider", ""
    if at_recipient:
        return OUTCOMES.get(enhanced, ("invalid_recipient", ""))
    return OUTCOMES.get(enhanced, ("media_refused" if status == 552 else "invalid_for_provider", ""))


def _judge_api(reply: Reply) -> Outcome:
    said, status = _words(reply), reply.status
    recipient = reply.headers.get(RECIPIENT_STATUS, "")
    if recipient in REFUSED_RECIPIENT:
        return Rejected(REFUSED_RECIPIENT[recipient], said, recipient)
    if 200 <= status < 300:
        return Sent(_id(reply))
    if status in REFUSED_ACCOUNT:
        return Rejected(REFUSED_ACCOUNT[status], said, str(status), disconnects=True)
    if status in {408, 425, 429}:
        code, pauses = ("rate_limited", "account") if status == 429 else ("provider_unavailable", "")
        return Deferred(code, said, str(status), seconds=reply.retry_after, pauses=pauses)
    if status >= 500:
        return Uncertain("no_answer", said)
    return Rejected("media_refused" if status == 413 else "invalid_for_provider", said, str(status))


def _id(reply: Reply) -> str:
    """Return what a mail is called from now on: its Message-ID as answers will name it, or the provider's own id."""
    told = reply.headers.get(MESSAGE_ID, "")
    return threads.bracketed(told) or told


def _words(reply: Reply) -> str:
    """Return what an answer says in words, on one line."""
    told = reply.document
    keys = (key for key in ("Message", "message", "error", "errors") if told.get(key))
    text = next((str(told[key]) for key in keys), reply.body.decode(errors="replace"))
    return " ".join(text.split())[:500]
