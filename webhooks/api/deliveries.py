"""``/v1/webhook-deliveries``: what was sent where, and what came back."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core import pagination
from core.shapes import Error, page_of
from webhooks import queries
from webhooks.api import inputs, shapes
from webhooks.api.base import WebhooksView, row_in
from webhooks.models import Delivery
from webhooks.serializers import body_json, delivery_json
from webhooks.services import resending, trial


class Deliveries(WebhooksView):
    """``/v1/webhook-deliveries``"""

    @extend_schema(
        operation_id="list_webhook_deliveries", tags=["Webhooks"], parameters=[inputs.DeliveriesQuery],
        responses=page_of(shapes.WebhookDeliveryShape),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """List what was, is or will be sent to your endpoints, newest first, with every attempt."""
        asked = self.query(inputs.DeliveriesQuery)
        found = self._wanted(asked)
        page = pagination.page(found, request.query_params)
        attempts = queries.attempts_of(page.rows)
        body = page.as_json(lambda delivery: delivery_json(delivery, attempts.get(delivery.pk, ())))
        return Response({**body, "total": found.count()} if asked.get("include") == "total" else body)

    def _wanted(self, asked: dict[str, Any]) -> QuerySet[Delivery]:
        found = queries.deliveries_of(self.environment)
        if "endpoint" in asked:
            found = found.filter(endpoint_id=row_in("endpoint", "whe", asked["endpoint"]))
        if "event" in asked:
            found = queries.about(found, row_in("event", "evt", asked["event"]))
        if "state" in asked:
            found = queries.in_state(found, self.environment, asked["state"])
        if "before" in asked:
            found = found.filter(created_at__lt=asked["before"])
        if "after" in asked:
            found = found.filter(created_at__gte=asked["after"])
        return found


class OneDelivery(WebhooksView):
    """``/v1/webhook-deliveries/{id}``"""

    @extend_schema(
        operation_id="get_webhook_delivery", tags=["Webhooks"], parameters=[inputs.DeliveryQuery],
        responses=shapes.WholeWebhookDelivery,
    )  # fmt: skip
    def get(self, request: Request, delivery_id: str) -> Response:  # noqa: ARG002
        """Look a delivery up: its body, and every attempt with headers and answer."""
        delivery = self.delivery(delivery_id)
        asked = self.query(inputs.DeliveryQuery)
        attempts = queries.attempts_of([delivery]).get(delivery.pk, ())
        content = queries.body_of(delivery)
        shown = delivery_json(delivery, attempts, is_whole=True) | body_json(content)
        if asked.get("include") == "curl":
            shown["curl"] = trial.curl(delivery, content) if content else None
        return Response(shown)


class ResendDelivery(WebhooksView):
    """``/v1/webhook-deliveries/{id}/resend``"""

    @extend_schema(
        operation_id="resend_webhook_delivery", tags=["Webhooks"], request=None,
        responses={202: shapes.WebhookDeliveryShape, 410: Error},
    )  # fmt: skip
    def post(self, request: Request, delivery_id: str) -> Response:  # noqa: ARG002
        """
        Attempt a delivery once more, now.

        It keeps its `webhook-id`, and the schedule its attempts. Asked twice, it is attempted twice.
        """
        delivery = resending.resend(delivery=self.delivery(delivery_id))
        attempts = queries.attempts_of([delivery]).get(delivery.pk, ())
        return Response(delivery_json(delivery, attempts), status=status.HTTP_202_ACCEPTED)
