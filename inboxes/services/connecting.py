"""Whether an inbox's settings are whole, and whether its provider takes them: asked before anything is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings as installation

from core.errors import Problem, Unavailable
from inboxes.channels.base import Channel
from inboxes.channels.outgoing import HttpOrder, Order
from inboxes.transport import http, mail
from inboxes.transport.accidents import Accident, Result

# Anybody may name a server that never answers. Of the few threads that answer requests, half are not for waiting.
_waiting = BoundedSemaphore(max(1, installation.HTTP_THREADS // 2))


@dataclass(frozen=True, slots=True)
class Connected:
    """What became of settings: whole ones to be stored, or what is wrong with them."""

    settings: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)


def merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings changed key by key; null and an empty text clear one."""
    return {name: value for name, value in {**before, **given}.items() if value not in (None, "")}


def connect(channel: Channel, settings: Mapping[str, Any], *, livemode: bool) -> Connected:
    """
    Complete an inbox's settings, and ask its provider whether they work. Not to be called with rows locked: it waits
    for an answer. The sandbox asks nobody. Raises Unavailable while too many others wait.
    """
    whole = channel.completed(settings)
    order = channel.check_order(whole) if livemode else None
    if order is None:
        return Connected(whole)
    if not _waiting.acquire(blocking=False):
        raise Unavailable("Other inboxes are being connected at this moment; try again in a few seconds.")
    try:
        answer = ask(order, livemode=livemode)
    finally:
        _waiting.release()
    if isinstance(answer, Accident):
        return Connected(whole, [_unreachable(channel, answer)])
    checked = channel.judge_check(answer, whole)
    if checked.problem is not None:
        return Connected(whole, [checked.problem])
    return Connected({**whole, **(checked.facts or {})})


def ask(order: Order, *, livemode: bool) -> Result:
    """Make the call of an order and wait for its answer."""
    if isinstance(order, HttpOrder):
        return http.ask(order, livemode=livemode)
    return mail.send(order, livemode=livemode)


def _unreachable(channel: Channel, accident: Accident) -> Problem:
    words = f"The {channel.kind} provider could not be asked whether these work: {accident.detail} Try again."
    return Problem("settings", "provider_unavailable", words)
