"""``/v1/webhook-endpoints``"""

from functools import partial

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.shapes import Deleted, Error, PageQuery, page_of
from webhooks import queries
from webhooks.api import inputs, shapes
from webhooks.api.base import WebhooksView
from webhooks.models import Endpoint
from webhooks.serializers import delivery_json
from webhooks.services import endpoints, secrets, trial


class Endpoints(WebhooksView):
    """``/v1/webhook-endpoints``"""

    @extend_schema(
        operation_id="list_webhook_endpoints", tags=["Webhooks"], parameters=[PageQuery],
        responses=page_of(shapes.WebhookEndpointShape),
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List the webhook endpoints, newest first."""
        self.query(PageQuery)
        return self.page(queries.endpoints_of(self.environment), self.endpoint_json)

    @extend_schema(
        operation_id="create_webhook_endpoint", tags=["Webhooks"], request=inputs.CreateEndpoint,
        responses={201: shapes.WebhookEndpointShape},
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Ask to be told what happens.

        The `secret` is shown this once. The same URL may be there twice; each endpoint is told for itself.
        """
        fields = self.parse(inputs.CreateEndpoint, also=partial(endpoints.problems_of_new, self.environment))
        endpoint, secret = endpoints.create(environment=self.environment, by=self.who, fields=fields)
        is_shared = endpoint.signature == Endpoint.Signature.HMAC
        return Response(self.endpoint_json(endpoint, secret if is_shared else None), status=status.HTTP_201_CREATED)


class OneEndpoint(WebhooksView):
    """``/v1/webhook-endpoints/{id}``"""

    @extend_schema(operation_id="get_webhook_endpoint", tags=["Webhooks"], responses=shapes.WebhookEndpointShape)
    def get(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """Look a webhook endpoint up."""
        return Response(self.endpoint_json(self.endpoint(endpoint_id)))

    @extend_schema(
        operation_id="update_webhook_endpoint", tags=["Webhooks"], request=inputs.ChangeEndpoint,
        responses={200: shapes.WebhookEndpointShape, 409: Error},
    )  # fmt: skip
    def patch(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """
        Change, pause or resume a webhook endpoint.

        While it is paused or disabled, what happens is held for it; `held` says what becomes of that when it is active
        again. Deliveries of types it no longer wants are canceled. Where very much is to be canceled, 409
        `held_remains` asks to send the request again.
        """
        endpoint = self.endpoint(endpoint_id)
        fields = self.parse(inputs.ChangeEndpoint, also=partial(endpoints.problems_of_change, endpoint))
        return Response(self.endpoint_json(endpoints.change(endpoint=endpoint, by=self.who, fields=fields)))

    @extend_schema(operation_id="delete_webhook_endpoint", tags=["Webhooks"], responses={200: Deleted, 409: Error})
    def delete(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """
        Take a webhook endpoint away.

        What waits for it is canceled; what was sent can still be looked up.
        """
        endpoint = self.endpoint(endpoint_id)
        endpoints.remove(endpoint=endpoint, by=self.who)
        return Response({"id": endpoint.public_id, "object": "webhook_endpoint", "deleted": True})


class RotateSecret(WebhooksView):
    """``/v1/webhook-endpoints/{id}/rotate-secret``"""

    @extend_schema(
        operation_id="rotate_webhook_secret", tags=["Webhooks"], request=inputs.RotateSecret,
        responses={200: shapes.WebhookEndpointShape},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """
        Give a webhook endpoint a new secret.

        Until the grace is over deliveries carry a signature of each secret, so that no receiver has to hurry.
        """
        endpoint = self.endpoint(endpoint_id)
        fields = self.parse(inputs.RotateSecret)
        made = secrets.rotate(endpoint=endpoint, by=self.who, **fields)
        is_shared = endpoint.signature == Endpoint.Signature.HMAC
        return Response(self.endpoint_json(self.endpoint(endpoint_id), made.secret if is_shared else None))


class TestEndpoint(WebhooksView):
    """``/v1/webhook-endpoints/{id}/test``"""

    @extend_schema(
        operation_id="test_webhook_endpoint", tags=["Webhooks"], request=None,
        responses={202: shapes.WebhookDeliveryShape},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """
        Send a test event.

        It goes to this endpoint only, whatever types it wants, once, with `"test": true` in its body. It says nothing
        about the endpoint's health. Look the delivery up to see what came back.
        """
        delivery = trial.send(endpoint=self.endpoint(endpoint_id), actor=self.actor)
        return Response(delivery_json(delivery, []), status=status.HTTP_202_ACCEPTED)
