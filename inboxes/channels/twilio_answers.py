"""What Twilio's answers and error codes mean."""

from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from inboxes.channels import answers
from inboxes.channels.outcomes import NOT_THERE, Deferred, Outcome, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import Outgoing, Reply

REFUSALS = {
    21211: "invalid_recipient",  # no number at all
    21214: "invalid_recipient",
    21217: "invalid_recipient",
    21408: "recipient_not_reachable",  # the account may not send to that country
    21601: "invalid_for_provider",
    21602: "invalid_for_provider",  # neither words nor files
    21604: "invalid_recipient",
    21606: "invalid_for_provider",  # our number cannot send
    21608: "account_restricted",  # a trial account sends to numbers it has verified
    21610: "opted_out",
    21612: "recipient_not_reachable",
    21614: "invalid_recipient",  # no mobile
    21617: "invalid_for_provider",
    21620: "media_refused",
    21623: "media_refused",
    21703: "account_restricted",  # the messaging service has no number
    30003: "undelivered",  # the phone is off or out of reach
    30004: "undelivered",
    30005: "invalid_recipient",  # nobody knows the number
    30006: "recipient_not_reachable",  # a landline
    30007: "undelivered",  # taken for spam
    30034: "account_restricted",  # the number is not registered for business traffic
    63016: "window_closed",
    63024: "invalid_recipient",
    63032: "undelivered",
    63033: "opted_out",
}
ACCOUNT_FAULTS = {20003: "channel_auth_failed", 20404: "channel_auth_failed", 30002: "account_restricted"}
NOT_NOW = {14107, 20429, 21611, 30001, 30008, 30022, 30023, 30410, 63018}  # full queues and used-up rates
SKEW = timedelta(minutes=5)  # no clock is further off
OF_THE_MESSAGE = {30008, 30410}  # nobody knows why, and a carrier that was too slow: others need not wait


def meaning(reply: Reply) -> Outcome:
    """Return what the answer to a message's creation means. With 5xx it may have been created, Twilio says itself."""
    said = reply.document
    if 200 <= reply.status < 300:
        return Sent(str(said.get("sid") or ""))
    words, code = str(said.get("message") or ""), _number(said.get("code"))
    if reply.status >= 500:
        return answers.by_status(reply, words, str(code or ""))
    if code in NOT_NOW:
        seconds, pauses = reply.retry_after, "" if code in OF_THE_MESSAGE else "account"
        return Deferred("rate_limited", words, str(code), seconds, pauses)
    if code in REFUSALS or code in ACCOUNT_FAULTS:
        return failure(str(code), words)
    if reply.status == 401:
        return Rejected("channel_auth_failed", words, "401", disconnects=True)
    return answers.by_status(reply, words, str(code or ""))


def failure(code: str, words: str = "") -> Rejected:
    """Return what an error code says of a message that was refused, or taken and not delivered."""
    number = _number(code)
    ours = ACCOUNT_FAULTS.get(number) or REFUSALS.get(number) or "undelivered"
    return Rejected(
        ours,
        words[: answers.SHOWN],
        code,
        suppresses="all" if number == 21610 else "",
        disconnects=number in ACCOUNT_FAULTS,
    )


def found(reply: Reply, message: Outgoing) -> Outcome:
    """
    Return what a list of messages tells of the one whose answer was lost.

    It is the one with the same words that was made since the attempt began, and is no other of ours. It is missing only
    if all is listed and nothing went to this person at about that time that we do not know: Twilio may change words.
    """
    if reply.status == 429 or reply.status >= 500:
        return Deferred("provider_unavailable", f"HTTP {reply.status}")
    listed = reply.document.get("messages")
    if reply.status != 200 or not isinstance(listed, list):
        return Uncertain()
    strange = [one for one in listed if _may_be(one, message)]
    if not strange and not reply.document.get("next_page_uri"):
        return Deferred(NOT_THERE, "Twilio has no such message.")
    alike = [one for one in strange if _is_like(one, message)]
    if len(alike) != 1:
        return Uncertain()
    if alike[0].get("status") in {"failed", "undelivered", "canceled"}:
        return failure(str(alike[0].get("error_code") or ""), str(alike[0].get("error_message") or ""))
    return Sent(str(alike[0].get("sid") or ""))


def _may_be(one: Any, message: Outgoing) -> bool:
    """Whether it went out at about the time of the attempt, or nobody knows when, and is no other of ours."""
    if not isinstance(one, dict):
        return True
    if one.get("sid") in message.others or not str(one.get("direction", "")).startswith("outbound"):
        return False
    made = _date(one)
    return made is None or message.tried_at is None or made >= message.tried_at - SKEW


def _is_like(one: Any, message: Outgoing) -> bool:
    """Twilio tells whole seconds; a clock of ours that is ahead finds nothing, which is the safe mistake."""
    if not isinstance(one, dict) or one.get("to") != message.address or one.get("body") != message.text:
        return False
    made = _date(one)
    return made is not None and message.tried_at is not None and made >= message.tried_at - timedelta(seconds=1)


def _date(one: Mapping[str, Any]) -> Any:
    try:
        return parsedate_to_datetime(str(one.get("date_created")))
    except ValueError:
        return None


def _number(code: Any) -> int:
    return int(code) if str(code).isdecimal() else 0
