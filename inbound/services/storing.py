"""Taking in what providers tell: checked, stored as it came, answered; understood later."""

import hashlib
from collections.abc import Mapping

import structlog

from core import bodies, throttle
from core.errors import NotAllowed, NotAuthenticated, TooMany
from inbound.models import RawCallback
from inbound.services import hints, metrics
from inboxes import channels
from inboxes.channels.incoming import Answer, Callback
from inboxes.models import Inbox

CALLBACKS_A_MINUTE = 60_000
# Proofs of a callback that was recognised are of no more use, and may be as good as a password.
NOT_KEPT = frozenset({"authorization", "proxy-authorization", "cookie", "secret"})

log = structlog.get_logger(__name__)


def take(inbox: Inbox, callback: Callback, *, is_simulated: bool = False) -> Answer:
    """
    Store a genuine callback and return what the provider is answered.

    Raises NotAuthenticated without a signature, NotAllowed with a wrong one or about somebody else's account, and
    TooMany, which is asked last: whoever cannot sign uses up nobody's calls.
    """
    _check(inbox, callback)
    _count(inbox)
    keep(inbox, callback, is_simulated=is_simulated)
    _note(inbox, "taken")
    return channels.find(inbox.channel).answer(callback)


def keep(inbox: Inbox, callback: Callback, *, is_simulated: bool = False) -> RawCallback:
    """Store what a provider told, in one statement; the engine is woken once that has committed."""
    kept: RawCallback = RawCallback.unscoped.create(
        environment_id=inbox.environment_id,
        inbox=inbox,
        received_at=callback.received_at,
        next_attempt_at=callback.received_at,
        method=callback.method[:6],
        url=_storable(callback.url.partition("?")[0]),
        headers=_tidy(callback.headers, channels.find(inbox.channel).signature_header),
        query=_tidy(callback.query),
        body=callback.body,
        digest=hashlib.sha256(callback.body).hexdigest(),
        is_simulated=is_simulated,
    )
    hints.wake_engine()
    return kept


def _check(inbox: Inbox, callback: Callback) -> None:
    channel = channels.find(inbox.channel)
    try:
        signature = channel.signature_of(callback, inbox.settings)
        is_genuine = bool(signature) and channel.recognises(callback, inbox.settings)
    except (KeyError, ValueError, TypeError):  # of settings that are not whole, for instance
        log.exception("callback_not_checked", inbox_id=inbox.public_id)
        signature, is_genuine = "unknown", False
    if not signature:
        _note(inbox, "unsigned")
        raise NotAuthenticated("This callback is not signed.", code="signature_missing")
    if not is_genuine:
        _note(inbox, "wrong_signature")
        raise NotAllowed("The signature of this callback is wrong.", code="wrong_signature")
    if not _concerns(inbox, callback):
        _note(inbox, "not_ours")
        log.warning("callback_of_another", inbox_id=inbox.public_id)
        raise NotAllowed("This callback is about another account than the inbox's.", code="other_account")


def _concerns(inbox: Inbox, callback: Callback) -> bool:
    """Whether it is about the inbox's own number, page or bot; what cannot be read at all is stored to be looked at."""
    try:
        return channels.find(inbox.channel).concerns(callback, inbox.settings)
    except ValueError:
        return True


def _count(inbox: Inbox) -> None:
    verdict = throttle.count([throttle.Limit(f"callbacks:{inbox.pk}", CALLBACKS_A_MINUTE)])
    if verdict is not None and verdict.exceeded:
        _note(inbox, "too_many")
        raise TooMany("Too many callbacks", retry_after=verdict.reset_after)


def _note(inbox: Inbox, verdict: str) -> None:
    metrics.callbacks.labels(inbox.channel, verdict).inc()


def _tidy(given: Mapping[str, str], *proofs: str) -> dict[str, str]:
    kept = given.keys() - NOT_KEPT - set(proofs)
    return {_storable(name): _storable(given[name]) for name in given if name in kept}


def _storable(text: str) -> str:
    return text if bodies.is_storable(text) else text.encode(errors="replace").decode().replace("\x00", "\ufffd")
