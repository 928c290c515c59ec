"""What operators find rows by: the states that people see, lanes, how endpoints do."""

from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from core.filters import Narrowing, States
from events.backlog import LATE_SECONDS
from webhooks import catalogue
from webhooks.models import Delivery, Endpoint, Health

# What can be wrong with an attempt.
ERRORS = {
    "http_status": "It answered that something is wrong.",
    "redirect": "It answered with a redirect, which is not followed.",
    "timeout": "Its whole answer did not come in time.",
    "connect_timeout": "Nobody took the connection in time.",
    "connection_refused": "Nothing listens there, or no way leads there.",
    "connection_reset": "The connection broke off.",
    "dns": "Its name could not be resolved, or leads to a private network.",
    "tls": "Its certificate, or its TLS, was not accepted.",
    "blocked_address": "Its address is not allowed: it lies in a private network.",
    "invalid_answer": "What came back is no HTTP answer.",
    "captured": "Signed and kept, but not sent: this sandbox endpoint captures.",
}


def types() -> set[str]:
    """Return every type that endpoints are told of, in either dialect."""
    return {name for dialect in Endpoint.Dialect for name in catalogue.types_of(dialect)}


def _untold() -> QuerySet[Endpoint]:
    """Return the endpoints whose deliveries are held."""
    return Endpoint.unscoped.exclude(state=Endpoint.State.ACTIVE)


def _pending(deliveries: QuerySet[Any]) -> QuerySet[Any]:
    return deliveries.filter(state=Delivery.State.PENDING).exclude(endpoint__in=_untold())


def _held(deliveries: QuerySet[Any]) -> QuerySet[Any]:
    return deliveries.filter(state=Delivery.State.PENDING, endpoint__in=_untold())


def _late(deliveries: QuerySet[Any]) -> QuerySet[Any]:
    since = timezone.now() - timedelta(seconds=LATE_SECONDS)
    left_alone = Health.unscoped.filter(hold_until__gt=timezone.now()).values("endpoint")
    return _pending(deliveries).filter(next_attempt_at__lt=since).exclude(endpoint__in=left_alone)


def _is(state: str, label: str) -> tuple[str, Narrowing]:
    return label, lambda rows: rows.filter(state=state)


def _stands_and_is(state: str, label: str) -> tuple[str, Narrowing]:
    return label, lambda rows: rows.filter(state=state, deleted_at=None)


def _answered(hundreds: int) -> Narrowing:
    return lambda rows: rows.filter(status_code__range=(hundreds * 100, hundreds * 100 + 99))


DELIVERY_STATES: States = {
    "pending": ("Pending", _pending),
    "late": (f"Due for more than {LATE_SECONDS} s", _late),
    "held": ("Held", _held),
    "delivering": _is("delivering", "Delivering"),
    "delivered": _is("delivered", "Delivered"),
    "exhausted": _is("exhausted", "Exhausted"),
    "canceled": _is("canceled", "Canceled"),
    "quarantined": _is("quarantined", "Quarantined"),
}
LANES: States = {
    "first": ("Live, first attempts", lambda rows: rows.filter(livemode=True, tries=0)),
    "retry": ("Live, retries", lambda rows: rows.filter(livemode=True, tries__gt=0)),
    "sandbox": ("Sandbox", lambda rows: rows.filter(livemode=False)),
}
ENDPOINT_STATES: States = {
    "active": _stands_and_is("active", "Active"),
    "failing": (
        "Active, and failing",
        lambda rows: rows.filter(state="active", deleted_at=None, health__told_stage__gt=0),
    ),
    "paused": _stands_and_is("paused", "Paused"),
    "disabled": _stands_and_is("disabled", "Disabled"),
    "deleted": ("Deleted", lambda rows: rows.filter(deleted_at__isnull=False)),
}
UNOPENED = "No key in DEXRA_ENCRYPTION_KEY opens it."
HEALTH: States = {
    "unsigned": ("Could not be signed for", lambda rows: rows.filter(signing_failed_at__isnull=False)),
    "failing": ("Failing", lambda rows: rows.filter(consecutive_failures__gt=0)),
    "waiting": ("Has something waiting", lambda rows: rows.filter(next_due_at__isnull=False)),
    "held": ("Nothing sent for now", lambda rows: rows.filter(hold_until__gt=timezone.now())),
    "slowed": ("Sent fewer at once", lambda rows: rows.filter(in_flight_cap__lt=F("endpoint__max_in_flight"))),
}
ANSWERS: States = {
    **{f"{n}xx": (f"{n}xx", _answered(n)) for n in (2, 3, 4, 5)},
    "none": ("None", lambda rows: rows.filter(status_code__isnull=True)),
}
