"""Trying an endpoint: a test event, and a command that sends again what was sent."""

from django.db import connection, transaction

from core.errors import Conflict
from events import log
from events.event import Actor
from events.models import LoggedEvent
from webhooks import events
from webhooks.models import Delivery, Endpoint
from webhooks.serializers import curl as curl_command
from webhooks.services import fanout, secrets
from webhooks.services.addressees import Addressee
from webhooks.services.requests import request_for

PUBLISHED = "SELECT currval(pg_get_serial_sequence('events_event', 'id'))"


@transaction.atomic
def send(*, endpoint: Endpoint, actor: Actor) -> Delivery:
    """
    Send a test event to an endpoint, whatever it wants to be told of; returns the delivery, which is attempted once.

    The event is in the log like any other. Its delivery is made here already, so that the answer can name it; when the
    relay comes to the event it finds it made.
    """
    log.publish(events.about(endpoint, events.EndpointTest, actor=actor))
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED)
        event = LoggedEvent.of(endpoint.environment).get(pk=cursor.fetchone()[0])
    fanout.fan_out([log.from_row(event)])
    delivery = Delivery.of(endpoint.environment).filter(event_id=event.pk, endpoint=endpoint).first()
    if delivery is None:
        raise Conflict("The endpoint was deleted meanwhile.", code="endpoint_deleted")
    delivery.endpoint = endpoint
    return delivery


def curl(delivery: Delivery, content: bytes) -> str:
    """Return a command that makes the delivery as it would be made now; custom headers are masked in it."""
    endpoint = delivery.endpoint
    addressee = Addressee(
        endpoint_id=endpoint.pk, url=endpoint.url, dialect=endpoint.dialect, signature=endpoint.signature,
        headers=endpoint.custom_headers, captures=endpoint.captures,
        secrets=tuple(secret.secret for secret in secrets.valid(endpoint)),
    )  # fmt: skip
    return curl_command(endpoint.url, request_for(delivery, addressee, content).shown, content.decode())
