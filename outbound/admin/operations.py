"""What operators may do to messages on their way, and to the queues."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest

from accounts.admin.who import operator
from accounts.services import audit
from core.operations import Operation, Outcome
from events.event import Actor
from outbound.models import Dispatch, Line
from outbound.services import canceling, nudging, resending

Values = dict[str, Any]
AS_US = Actor("system")


@transaction.atomic
def _retry(request: HttpRequest, dispatch: Dispatch, _values: Values) -> Outcome:
    dispatch.message.environment = dispatch.environment
    resending.retry(dispatch.message, actor=AS_US)
    _note(request, dispatch, "message.retried")
    return Outcome("It is sent anew.")


@transaction.atomic
def _cancel(request: HttpRequest, dispatch: Dispatch, _values: Values) -> Outcome:
    dispatch.message.environment = dispatch.environment
    canceling.cancel(dispatch.message, actor=AS_US)
    _note(request, dispatch, "message.canceled")
    return Outcome("It is taken back.")


def _nudge(request: HttpRequest, line: Line, _values: Values) -> Outcome:
    nudging.nudge(line, by=operator(request))
    return Outcome("The next message is tried now.")


def _note(request: HttpRequest, dispatch: Dispatch, action: str) -> None:
    audit.record(
        environment=dispatch.environment, who=operator(request), action=action, target=dispatch.message.public_id
    )


def _has_ended(dispatch: Dispatch) -> bool:
    return dispatch.state in {Dispatch.State.FAILED, Dispatch.State.UNKNOWN}


def _waits(dispatch: Dispatch) -> bool:
    return bool(dispatch.state == Dispatch.State.WAITING)


ON_DISPATCH = (
    Operation(
        "retry", "Send anew", _retry, for_many=True, is_offered=_has_ended,
        explains="It is queued once more, with all its attempts before it. One whose answer was lost may arrive twice.",
    ),
    Operation(
        "cancel", "Take back", _cancel, for_many=True, is_offered=_waits, is_grave=True,
        explains="It is not sent any more; the account is told with message_status.",
    ),
)  # fmt: skip
ON_LINE = (
    Operation(
        "nudge", "Try now", _nudge,
        explains="A pause ends at once: the next message is tried, and if the provider still refuses, it rests again.",
    ),
)  # fmt: skip
