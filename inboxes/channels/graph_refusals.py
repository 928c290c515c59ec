"""What the error codes of Meta's Graph API mean: one table for WhatsApp, Messenger and Instagram."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from inboxes.channels.answers import SHOWN, within
from inboxes.channels.outcomes import Deferred, Rejected

LONG_HOLD_SECONDS = 3600.0  # the number counts as a source of spam: minutes change nothing
MOST_TRIES_OF_A_FILE = 3

_BUSY = Deferred("rate_limited", pauses="account")
_FAULT = Deferred("provider_unavailable")
_FILE = Deferred("media_refused", most_attempts=MOST_TRIES_OF_A_FILE)
_UNREACHABLE = Rejected("recipient_not_reachable")
_UNDELIVERED = Rejected("undelivered")
_WRONG_RECIPIENT = Rejected("invalid_recipient")
_WRONG = Rejected("invalid_for_provider")
_WINDOW = Rejected("window_closed")
_MISMATCH = Rejected("template_parameters_mismatch")
_NO_SUCH_TEMPLATE = Rejected("template_not_found")
_TEMPLATE_AWAY = Rejected("template_unavailable")
_NO_MARKETING = Rejected("opted_out", suppresses="marketing")
_REFUSED_US = Rejected("channel_auth_failed", disconnects=True)
_RESTRICTED = Rejected("account_restricted", disconnects=True)

CODES: Mapping[int, Deferred | Rejected] = {
    # Too many calls: the application's, the page's, the number's.
    **dict.fromkeys((4, 32, 613, 80006, 80007, 130429, 133016), _BUSY),
    131048: replace(_BUSY, seconds=LONG_HOLD_SECONDS),
    131056: Deferred("rate_limited", pauses="recipient"),
    # Its own faults, which it says sent nothing.
    **dict.fromkeys((2, 1200, 131000, 131016, 131057, 133004), _FAULT),
    **dict.fromkeys((131052, 131053), _FILE),
    # The recipient.
    **dict.fromkeys((551, 131026, 131030, 130497), _UNREACHABLE),
    **dict.fromkeys((131021, 131062), _WRONG_RECIPIENT),
    **dict.fromkeys((130472, 131049), _UNDELIVERED),
    131047: _WINDOW,
    131050: _NO_MARKETING,
    # The request.
    **dict.fromkeys((33, 100, 131008, 131009, 131051, 131063, 131064, 132007, 132068, 132069, 135000), _WRONG),
    **dict.fromkeys((132000, 132005, 132008, 132012), _MISMATCH),
    132001: _NO_SUCH_TEMPLATE,
    **dict.fromkeys((132015, 132016), _TEMPLATE_AWAY),
    # The account.
    **dict.fromkeys((0, 3, 10, 190, *range(200, 300), 131005), _REFUSED_US),
    **dict.fromkeys((368, 2022, 131031, 131042, 131045), _RESTRICTED),
}
# They say more than the code they come with.
SUBCODES: Mapping[int, Deferred | Rejected] = {
    **dict.fromkeys((2018278, 2018065, 2534022), _WINDOW),
    **dict.fromkeys((1545041, 2018028, 2018108), _UNREACHABLE),
    **dict.fromkeys((2018001, 2534014), _WRONG_RECIPIENT),
    **dict.fromkeys((2018007, 2018008, 2018047), _FILE),
}


def error_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the error an answer consists of; empty where it is none."""
    error = document.get("error")
    return error if isinstance(error, dict) else {}


def words_of(error: Mapping[str, Any]) -> str:
    """Return what Graph says went wrong, the most telling of its words."""
    told = (
        within(error, "error_data", "details"),
        error.get("error_user_msg"),
        error.get("message"),
        error.get("title"),
    )
    return next((words for words in told if isinstance(words, str) and words), "")[:SHOWN]


def code_of(error: Mapping[str, Any]) -> int | None:
    """Return the error's code; None where it has none."""
    return _whole(error.get("code"))


def refusal(error: Mapping[str, Any], retry_after: float | None = None) -> Deferred | Rejected | None:
    """Return what an error means; None for one that is not known."""
    code, subcode = code_of(error), _whole(error.get("error_subcode"))
    known = SUBCODES.get(subcode or -1)
    shown = str(code if known is None else subcode)
    if known is None and code is not None:
        known = CODES.get(code)
    if known is None and error.get("is_transient") is True:
        known = _FAULT
    if known is None:
        return None
    known = replace(known, detail=words_of(error), provider_code=shown)
    if isinstance(known, Deferred) and retry_after is not None:
        return replace(known, seconds=retry_after)
    return known


def failure(errors: Iterable[Any]) -> Rejected:
    """Return why a message failed after it was taken: by then it is too late to come again."""
    error = next((each for each in errors if isinstance(each, dict)), {})
    code = code_of(error)
    known = refusal(error) or Rejected("undelivered", words_of(error), "" if code is None else str(code))
    return known if isinstance(known, Rejected) else Rejected(known.code, known.detail, known.provider_code)


def _whole(told: Any) -> int | None:
    """Return a number that may have come as a text."""
    text = str(told)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
