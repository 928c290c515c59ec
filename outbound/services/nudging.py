"""Ending the rest of a queue before its time, because somebody knows that its provider is well again."""

from django.db import transaction
from django.utils import timezone

from accounts.services import audit
from outbound.models import Line
from outbound.services import hints


@transaction.atomic
def nudge(line: Line, *, by: audit.Who) -> None:
    """Have the next message of a line tried at once; whether the provider takes it decides about the others."""
    Line.unscoped.filter(pk=line.pk).update(paused_until=None, next_due_at=timezone.now())
    audit.record(environment=line.environment, who=by, action="outbound_line.nudged", target=line.inbox.public_id)
    hints.wake_engine()
