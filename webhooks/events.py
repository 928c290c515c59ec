"""What can happen to an endpoint: events about the webhooks themselves, for whoever operates them."""

from typing import Any

from core import ids
from core.times import iso_or_none
from events.event import ID_PREFIX, SYSTEM, Actor, Event
from webhooks.models import Delivery, Endpoint, Health


class EndpointEvent(Event):
    """Something happened to an endpoint; it is told to the environment's other endpoints, never to that one."""


class EndpointTest(EndpointEvent):
    """Somebody asked for a test: sent to that endpoint alone, whatever it listens to, and even while it is paused."""

    type = "endpoint_test"


class EndpointFailing(EndpointEvent):
    """Several attempts in a row failed."""

    type = "endpoint_failing"


class EndpointRecovered(EndpointEvent):
    """An attempt arrived, after the endpoint was said to fail."""

    type = "endpoint_recovered"


class EndpointDisabled(EndpointEvent):
    """Nothing is sent to the endpoint any more: it answered 410, or failed for days."""

    type = "endpoint_disabled"


class DeliveryExhausted(EndpointEvent):
    """A delivery failed for good; told once an hour for each endpoint at most."""

    type = "delivery_exhausted"


def about(
    endpoint: Endpoint, kind: type[EndpointEvent], *, actor: Actor = SYSTEM, data: dict[str, Any] | None = None
) -> EndpointEvent:
    """Return the event of that kind about an endpoint as it is now."""
    livemode = endpoint.environment.livemode
    return kind(
        environment_id=endpoint.environment_id,
        livemode=livemode,
        actor=actor,
        data={
            "endpoint_id": endpoint.public_id,
            "endpoint": _endpoint_data(endpoint, livemode=livemode),
            **(data or {}),
        },
        context={"endpoint_id": endpoint.pk},
    )


def health_data(health: Health) -> dict[str, Any]:
    """Return how an endpoint has been doing, as the events about it say."""
    return {
        "consecutive_failures": health.consecutive_failures,
        "failing_since": iso_or_none(health.failing_since),
        "last_success_at": iso_or_none(health.last_success_at),
        "last_failure_at": iso_or_none(health.last_failure_at),
        "last_error": health.last_error or None,
    }


def delivery_data(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as the events about it name it."""
    return {
        "delivery_id": delivery.public_id,
        "event_id": ids.encode(ID_PREFIX, delivery.event_id),
        "event_type": delivery.type,
        "attempts": delivery.tries,
        "status_code": delivery.last_status,
        "error_class": delivery.last_error or None,
    }


def _endpoint_data(endpoint: Endpoint, *, livemode: bool) -> dict[str, Any]:
    return {
        "id": endpoint.public_id,
        "object": "webhook_endpoint",
        "url": str(endpoint),  # without the query: it is told to the servers of others
        "description": endpoint.description,
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason or None,
        "livemode": livemode,
    }
