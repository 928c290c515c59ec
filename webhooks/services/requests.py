"""From a delivery to the request that makes it, signed at this moment."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from core import ids
from events.event import ID_PREFIX
from webhooks import signing
from webhooks.models import Delivery, Endpoint
from webhooks.services.addressees import Addressee
from webhooks.services.claims import Claimed
from webhooks.transport.answers import REDACTED
from webhooks.transport.exchange import USER_AGENT, Outgoing

STALE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is sent, and its headers as they may be shown."""

    outgoing: Outgoing
    shown: dict[str, str]


def request_for(delivery: Claimed | Delivery, addressee: Addressee, body: bytes) -> Request:
    """Return the request that makes this delivery now. Raises signing.BadSecret."""
    moment = int(time.time())
    if delivery.rehearsal == Delivery.Rehearsal.STALE_TIMESTAMP:
        moment -= STALE_SECONDS
    secrets = addressee.secrets
    if delivery.rehearsal == Delivery.Rehearsal.BAD_SIGNATURE:
        secrets = (signing.new_secret(addressee.signature),)
    said = _chatwoot if addressee.dialect == Endpoint.Dialect.CHATWOOT else _dexra
    ours = said(delivery, secrets, moment, body)
    own = {name: value for name, value in addressee.headers.items() if name.lower() not in ours}
    outgoing = Outgoing(addressee.url, {**ours, **own}, body)
    return Request(outgoing, {**ours, **dict.fromkeys(own, REDACTED)})


def delivery_uuid(delivery_id: int) -> UUID:
    """Return the UUID a delivery has in Chatwoot's dialect, the same for every attempt."""
    return uuid5(NAMESPACE_URL, f"dexra:webhook-delivery:{delivery_id}")


def _dexra(delivery: Claimed | Delivery, secrets: Sequence[str], moment: int, body: bytes) -> dict[str, str]:
    event_id = ids.encode(ID_PREFIX, delivery.event_id)
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": event_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": signing.signature_header(secrets, event_id, moment, body),
        "dexra-attempt": str(delivery.tries + 1),
    }
    return headers if delivery.livemode else {**headers, "dexra-env": "sandbox"}


def _chatwoot(delivery: Claimed | Delivery, secrets: Sequence[str], moment: int, body: bytes) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": USER_AGENT,
        "x-chatwoot-delivery": str(delivery_uuid(delivery.id)),
    }
    if secrets:  # one signature only: whoever rotates changes both sides at once
        signature = signing.chatwoot_signature(secrets[0], moment, body)
        headers |= {"x-chatwoot-timestamp": str(moment), "x-chatwoot-signature": signature}
    return headers
