"""What became of a message: a closed union, and the codes of what it can fail of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Sent:
    """
    The provider has it. ``provider_id`` is what receipts will call it; empty where the answer could not be read.

    ``aliases`` are further addresses of the same recipient that the answer gave away.
    """

    provider_id: str
    aliases: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Deferred:
    """
    Certainly not sent; to be tried again, in ``seconds`` if the provider said when.

    ``pauses`` says what else waits so long: ``account`` or ``recipient`` (nothing: only this message). ``address`` is
    the recipient's new address, where that is why. ``counts`` is false for a wait that is not an attempt's fault.
    ``most_attempts`` says after how many attempts in all it is hopeless; 0: as many as the schedule has.
    """

    code: str
    detail: str = ""
    provider_code: str = ""
    seconds: float | None = None
    pauses: str = ""
    address: str = ""
    counts: bool = True
    most_attempts: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """
    Refused for good. ``code`` is ours (see ``FAILURES``), ``detail`` the provider's words.

    ``suppresses`` says that nothing (``all``) or no marketing (``marketing``) may be sent to this address from now on.
    ``disconnects`` says that the account's credentials no longer work: everything else waits until somebody mends it,
    and this message with it.
    """

    code: str
    detail: str = ""
    provider_code: str = ""
    suppresses: str = ""
    disconnects: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It may have arrived, and nobody can say: the answer was lost."""

    code: str = "no_answer"
    detail: str = ""


NOT_THERE = "not_there"  # Deferred, of a message that was looked up: its provider has none like it

Outcome: TypeAlias = Sent | Deferred | Rejected | Uncertain

# What a message can fail of, in words for whoever sent it. Adapters choose among these.
FAILURES = {
    "invalid_recipient": "The recipient's address is not valid on this channel.",
    "recipient_not_reachable": "The recipient cannot be reached on this channel.",
    "opted_out": "The recipient does not want these messages: GET /v1/suppressions tells since when, and why.",
    "window_closed": "The recipient has not written within 24 hours; until they do, the channel takes no free text.",
    "template_not_found": "The provider has no such template in this language.",
    "template_parameters_mismatch": "The template's variables do not fit what the provider has.",
    "template_unavailable": "The provider has paused or disabled the template.",
    "media_refused": "The provider could not fetch the file, or does not take files like it.",
    "invalid_for_provider": "The provider refused the message as it is.",
    "undelivered": "The provider could not deliver it.",
    "channel_auth_failed": "The provider refuses the inbox's credentials.",
    "account_restricted": "The provider has restricted the business's account.",
    "rate_limited": "The provider asks for fewer messages.",
    "provider_unavailable": "The provider could not be reached or had a fault.",
    "retries_exhausted": "It was tried as often as the schedule allows.",
    "expired": "It was not sent before expires_at.",
    "no_answer": "The provider's answer was lost; nobody knows whether it was sent.",
    "blocked": "The recipient is blocked.",
    "inbox_closed": "Its inbox was closed before it was sent.",
}
