"""Whether an inbox's settings are whole, and whether its provider takes them: asked before anything is stored."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import BoundedSemaphore, Lock
from typing import Any

from django.conf import settings as installation

from accounts.models import Environment
from core import crypto
from core.errors import Problem, TooMany, Unavailable
from core.sentences import ended
from inboxes.channels.base import Channel
from inboxes.channels.outgoing import HttpOrder, Order
from inboxes.transport import http, mail
from inboxes.transport.accidents import Accident, Result

PATIENCE_SECONDS = 8.0
WAYS_OUT = {
    "private_address": "This server is not on the public internet, and nothing is sent to private or reserved "
    "addresses. Use one that is.",
    "no_public_address": "This server does not lead to the public internet: its name is not known there, or it leads "
    "to a private network. Give one that is known everywhere.",
}
OPERATOR = "Whoever runs this installation can allow a private network: DEXRA_ALLOWED_PRIVATE_NETWORKS."
# Anybody may name a server that never answers. Of the few threads that answer requests, half are not for waiting.
_places = BoundedSemaphore(max(1, installation.HTTP_THREADS // 2))
_asking: set[int] = set()  # the environments that wait in this process
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Connected:
    """What became of settings: whole ones to be stored, or what is wrong with them."""

    settings: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)


def merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings changed key by key; null and an empty text clear one."""
    return {name: value for name, value in {**before, **given}.items() if value not in (None, "")}


def anew(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are given anew: what comes back as it is, or masked as answers show it, is none."""
    return {name: value for name, value in given.items() if name not in before or not _is_same(value, before[name])}


def connect(channel: Channel, settings: Mapping[str, Any], *, environment: Environment) -> Connected:
    """
    Complete an inbox's settings, and ask its provider whether they work. Not to be called with rows locked: it waits
    for an answer. The sandbox asks nobody. Raises TooMany while the environment's last question is not answered,
    Unavailable while too many others wait.
    """
    whole = channel.completed(settings)
    order = channel.check_order(whole) if environment.livemode else None
    if order is None:
        return Connected(whole)
    with _turn(environment):
        answer = ask(order, livemode=environment.livemode)
    if isinstance(answer, Accident):
        return Connected(whole, [_unreachable(channel, answer)])
    checked = channel.judge_check(answer, whole)
    if checked.problem is not None:
        return Connected(whole, [checked.problem])
    return Connected({**whole, **(checked.facts or {})})


def ask(order: Order, *, livemode: bool) -> Result:
    """Make the call of an order and wait for its answer, no longer than somebody waits for ours."""
    patient = replace(order, seconds=min(order.seconds, PATIENCE_SECONDS))
    if isinstance(patient, HttpOrder):
        return http.ask(patient, livemode=livemode)
    return mail.send(patient, livemode=livemode)


@contextmanager
def _turn(environment: Environment) -> Iterator[None]:
    """Wait for a provider, one at a time in each environment: else one tenant's servers could hold up all others."""
    again = math.ceil(PATIENCE_SECONDS)
    with _lock:
        if environment.pk in _asking:
            words = "Another inbox of yours is being connected at this moment: one at a time."
            raise TooMany(f"{words} Try again in {again} seconds.", code="check_under_way", retry_after=again)
        if not _places.acquire(blocking=False):
            words = "Other inboxes are being connected at this moment"
            raise Unavailable(f"{words}; try again in {again} seconds.", retry_after=again)
        _asking.add(environment.pk)
    try:
        yield
    finally:
        with _lock:
            _asking.discard(environment.pk)
        _places.release()


def _is_same(value: Any, known: Any) -> bool:
    if isinstance(known, str) and value == crypto.masked(known):
        return True
    return type(value) is type(known) and bool(value == known)


def _unreachable(channel: Channel, accident: Accident) -> Problem:
    if accident.code in WAYS_OUT:
        return Problem(f"settings.{accident.setting}", accident.code, f"{WAYS_OUT[accident.code]} {OPERATOR}")
    words = f"The {channel.kind} provider could not be asked whether these work: {ended(accident.detail)} Try again."
    return Problem("settings", "provider_unavailable", words)
