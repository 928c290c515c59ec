"""What a customer does with webhooks, in few words."""

from typing import Any

from accounts.services import audit
from tests.servers import Server
from webhooks.models import Delivery, Endpoint
from webhooks.services import endpoints

# A public address, so that nobody is asked for a name; the tests send nothing to it.
URL = "https://93.184.216.34/hooks"


def make_endpoint(server: Server, **fields: Any) -> Any:
    """Make an endpoint by the API; returns its JSON, with the secret."""
    answer = server.post("/v1/webhook-endpoints", {"url": URL, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def open_endpoint(environment: Any, **fields: Any) -> Endpoint:
    """Make an endpoint by the service."""
    return endpoints.create(environment=environment, by=audit.SYSTEM, fields={"url": URL, **fields})[0]


def row_of(shown: Any) -> Any:
    """Return the row of an endpoint or delivery in an answer."""
    model = Endpoint if shown["object"] == "webhook_endpoint" else Delivery
    return next(row for row in model.unscoped.all() if row.public_id == shown["id"])
