"""What the endpoints of webhooks share."""

from typing import Any

from accounts.views import EnvironmentView
from core import ids
from core.errors import NotFound, invalid
from webhooks import queries
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.serializers import endpoint_json, replay_json


class WebhooksView(EnvironmentView):
    """A door that knows endpoints, deliveries and replays by their names."""

    scope = "webhooks"

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return the environment's endpoint of that id, with all its JSON needs. Raises NotFound, if deleted too."""
        row = ids.decode("whe", endpoint_id)
        found = queries.endpoints_of(self.environment).filter(pk=row).first() if row is not None else None
        if found is None:
            raise NotFound(f"No such webhook endpoint: {endpoint_id[:80]}", param="id")
        found.environment = self.environment
        return found

    def delivery(self, delivery_id: str) -> Delivery:
        """Return the environment's delivery of that id, with its endpoint. Raises NotFound."""
        delivery = self.find(Delivery.of(self.environment).select_related("endpoint"), "whd", delivery_id)
        delivery.endpoint.environment = self.environment
        return delivery

    def replay(self, endpoint: Endpoint, replay_id: str) -> Replay:
        """Return the endpoint's replay of that id. Raises NotFound."""
        replay = self.find(Replay.of(self.environment), "whr", replay_id)
        if replay.endpoint_id != endpoint.pk:
            raise NotFound(f"No such webhook replay: {replay_id[:80]}", param="id")
        replay.endpoint = endpoint
        return replay

    def endpoint_json(self, endpoint: Endpoint, secret: str | None = None) -> dict[str, Any]:
        """Return the ``webhook_endpoint`` object."""
        return endpoint_json(endpoint, livemode=self.livemode, secret=secret)

    def replay_json(self, replay: Replay) -> dict[str, Any]:
        """Return the ``webhook_replay`` object."""
        return replay_json(replay, livemode=self.livemode)


def row_in(field: str, prefix: str, public_id: str) -> int:
    """Return the row that a filter names. Raises Invalid."""
    row = ids.decode(prefix, public_id)
    if row is None:
        raise invalid(field, f"{field} is an id such as {prefix}_...", code="not_an_id")
    return row
