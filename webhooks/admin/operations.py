"""What operators may do to endpoints, deliveries and replays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.who import operator
from accounts.services import audit
from core.operations import Operation, Outcome
from events.event import Actor
from webhooks import queries, signing
from webhooks.admin import forms
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.services import canceling, endpoints, replays, resending, secrets, trial

Values = dict[str, Any]

A_MOMENT = timedelta(minutes=1)  # passes before the service looks at the clock


def _pause(request: HttpRequest, endpoint: Endpoint, _values: Values) -> Outcome:
    endpoints.pause(endpoint=endpoint, by=operator(request))
    return Outcome("The endpoint is paused.")


def _resume(request: HttpRequest, endpoint: Endpoint, values: Values) -> Outcome:
    endpoints.resume(endpoint=endpoint, by=operator(request), held=values.get("held"))
    return Outcome("The endpoint is told again.")


def _disable(request: HttpRequest, endpoint: Endpoint, _values: Values) -> Outcome:
    endpoints.disable(endpoint=endpoint, by=operator(request))
    return Outcome("The endpoint is disabled.")


def _rotate(request: HttpRequest, endpoint: Endpoint, values: Values) -> Outcome:
    made = secrets.rotate(endpoint=endpoint, by=operator(request), **values)
    if endpoint.signature == Endpoint.Signature.ED25519:  # its private half is nobody's but ours
        return Outcome(f"Signatures are verified with {signing.public_key(made.secret)} from now on.")
    return Outcome(f"The new secret of {endpoint}:", secret=made.secret)


def _again(kind: Replay.Kind) -> Callable[[HttpRequest, Endpoint, Values], Outcome]:
    """Return the act that sends a range again."""

    def act(request: HttpRequest, endpoint: Endpoint, values: Values) -> Outcome:
        now = timezone.now()
        since = max(now - timedelta(hours=values["hours"]), now - replays.LONGEST_REACH + A_MOMENT)
        replay = replays.start(endpoint=endpoint, kind=kind, since=since, until=now, by=operator(request))
        return Outcome("It is sent again, a few at a time.", row=replay)

    return act


@transaction.atomic
def _test(request: HttpRequest, endpoint: Endpoint, _values: Values) -> Outcome:
    delivery = trial.send(endpoint=endpoint, actor=Actor("system"))
    _note(request, endpoint, "webhook_endpoint.tested")
    return Outcome("A test event is on its way.", row=delivery)


@transaction.atomic
def _resend(request: HttpRequest, delivery: Delivery, _values: Values) -> Outcome:
    resending.resend(delivery=delivery)
    _note(request, delivery, "webhook_delivery.resent")
    return Outcome("It is attempted once more.")


def _cancel(request: HttpRequest, delivery: Delivery, _values: Values) -> Outcome:
    canceling.cancel(delivery=delivery, by=operator(request))
    return Outcome("Nothing more is sent of it.")


def _stop(request: HttpRequest, replay: Replay, _values: Values) -> Outcome:
    replays.cancel(replay=replay, by=operator(request))
    return Outcome("No more of it is taken up.")


def _note(request: HttpRequest, row: Endpoint | Delivery, action: str) -> None:
    audit.record(environment=row.environment, who=operator(request), action=action, target=row.public_id)


def _is_there(endpoint: Endpoint) -> bool:
    return endpoint.deleted_at is None


def _can_resend(delivery: Delivery) -> bool:
    return _is_there(delivery.endpoint) and not delivery.rehearsal and bool(queries.body_of(delivery))


ON_ENDPOINT = (
    Operation(
        "test", "Send a test event", _test, is_offered=_is_there,
        explains="One event that says it is a test, sent once to this endpoint, whatever types it wants and whether "
        "it is paused or not. It does not count for the endpoint's health.",
    ),
    Operation(
        "resume", "Resume", _resume, form=forms.Resume, for_many=True,
        is_offered=lambda endpoint: _is_there(endpoint) and not endpoint.is_told,
        explains="It is told again, as if it had never failed. From a list, what is younger than 72 hours of what was "
        "held is sent and the rest is canceled.",
    ),
    Operation(
        "pause", "Pause", _pause, for_many=True, is_offered=lambda endpoint: endpoint.is_told,
        explains="Nothing is sent to it until it is resumed; what happens meanwhile is held for it.",
    ),
    Operation(
        "disable", "Disable", _disable, for_many=True, is_grave=True,
        is_offered=lambda endpoint: _is_there(endpoint) and endpoint.state != Endpoint.State.DISABLED,
        explains="Nothing is sent to it until somebody resumes it; the account sees that it was switched off by hand. "
        "What happens meanwhile is held for it.",
    ),
    Operation(
        "rotate-secret", "Rotate the secret", _rotate, form=forms.RotateSecret, is_offered=_is_there,
        explains="Deliveries carry a signature of the new secret and, until they end, of each old one. The new one is "
        "shown once: hand it over by a way that is safe for passwords.",
    ),
    Operation(
        "recover", "Send what failed again", _again(Replay.Kind.RECOVER), form=forms.Range, is_offered=_is_there,
        explains="Every delivery of that time which failed, was given up or canceled is attempted once more, oldest "
        "first and a few at a time, beside what is new.",
    ),
    Operation(
        "replay", "Send everything again", _again(Replay.Kind.REPLAY), form=forms.Range, is_offered=_is_there,
        explains="Every event of that time whose type it wants, whether it arrived before or not. Each keeps its "
        "webhook-id, so a receiver that looks at it takes nothing twice.",
    ),
)  # fmt: skip
ON_DELIVERY = (
    Operation(
        "resend", "Send again", _resend, for_many=True, is_offered=_can_resend,
        explains="One attempt more, as soon as the endpoint is told. Its schedule goes on as if nothing had happened.",
    ),
    Operation(
        "cancel", "Cancel", _cancel, for_many=True, is_grave=True,
        is_offered=lambda delivery: delivery.state in canceling.CANCELABLE,
        explains="Nothing more is sent of it, unless somebody sends it again.",
    ),
)  # fmt: skip
ON_REPLAY = (
    Operation(
        "cancel", "Stop", _stop, is_offered=lambda replay: replay.state == Replay.State.RUNNING,
        explains="No more of it is taken up. What was taken up already is still sent.",
    ),
)  # fmt: skip
