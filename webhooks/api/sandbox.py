"""``/v1/sandbox``: does the receiver hold what it promises?"""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import NotFound
from core.shapes import Error
from events import feed
from webhooks.api import inputs, shapes
from webhooks.api.base import WebhooksView
from webhooks.serializers import delivery_json
from webhooks.services import rehearsals


class RedeliverEvent(WebhooksView):
    """``/v1/sandbox/events/{id}/redeliver``"""

    @extend_schema(
        operation_id="redeliver_event", tags=["Sandbox"], request=inputs.Redeliver,
        responses={202: shapes.RehearsedDeliveries, 410: Error},
    )  # fmt: skip
    def post(self, request: Request, event_id: str) -> Response:  # noqa: ARG002
        """
        Rehearse what goes wrong on the way.

        Sends an event of the sandbox twice (`duplicate`), after the one that followed it (`reorder`), late (`delay`),
        with a signature that is not ours (`bad_signature`) or one of an hour ago (`stale_timestamp`). Look the
        deliveries up: `rehearsal.passed` says whether your server took it as it should.
        """
        if self.livemode:
            raise NotFound("No such path.")
        event = feed.find(self.environment, event_id, param="id")
        asked = self.parse(inputs.Redeliver)
        only = self.endpoint(asked["endpoint_id"]) if "endpoint_id" in asked else None
        sent = rehearsals.rehearse(
            event=event, mode=asked["mode"], endpoint=only, environment=self.environment,
            delay_seconds=asked.get("delay_seconds", rehearsals.DELAY_SECONDS),
        )  # fmt: skip
        return Response({"data": [delivery_json(each, []) for each in sent]}, status=status.HTTP_202_ACCEPTED)
