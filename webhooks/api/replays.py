"""Sending a range of events to an endpoint again: ``/v1/webhook-endpoints/{id}/recover``, ``.../replay``."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.shapes import PageQuery, page_of
from webhooks.api import inputs, shapes
from webhooks.api.base import WebhooksView
from webhooks.models import Replay
from webhooks.services import replays


class RangeView(WebhooksView):
    """What the two ways to send a range again share."""

    def start(self, kind: Replay.Kind, endpoint_id: str) -> Response:
        """Start one, and answer with it."""
        endpoint = self.endpoint(endpoint_id)
        asked = self.parse(inputs.Range)
        replay = replays.start(
            endpoint=endpoint, kind=kind, since=asked["since"], until=asked.get("until"), by=self.who
        )
        return Response(self.replay_json(replay), status=status.HTTP_202_ACCEPTED)


class Recover(RangeView):
    """``/v1/webhook-endpoints/{id}/recover``"""

    @extend_schema(
        operation_id="recover_webhook_endpoint", tags=["Webhooks"], request=inputs.Range,
        responses={202: shapes.WebhookReplayShape},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """
        Send again what did not arrive.

        Every delivery of the range that failed, was given up or canceled is attempted once more, oldest first and a few
        at a time, so that what is new does not wait behind it.
        """
        return self.start(Replay.Kind.RECOVER, endpoint_id)


class ReplayRange(RangeView):
    """``/v1/webhook-endpoints/{id}/replay``"""

    @extend_schema(
        operation_id="replay_webhook_endpoint", tags=["Webhooks"], request=inputs.Range,
        responses={202: shapes.WebhookReplayShape},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """
        Send everything again.

        Every event of the range whose type the endpoint wants, whether it arrived before or not, even from before there
        was the endpoint. Each keeps its `webhook-id`.
        """
        return self.start(Replay.Kind.REPLAY, endpoint_id)


class Replays(WebhooksView):
    """``/v1/webhook-endpoints/{id}/replays``"""

    @extend_schema(
        operation_id="list_webhook_replays", tags=["Webhooks"], parameters=[PageQuery],
        responses=page_of(shapes.WebhookReplayShape),
    )  # fmt: skip
    def get(self, request: Request, endpoint_id: str) -> Response:  # noqa: ARG002
        """List what was sent again to a webhook endpoint, newest first."""
        endpoint = self.endpoint(endpoint_id)
        self.query(PageQuery)
        return self.page(Replay.of(self.environment).filter(endpoint=endpoint), self.replay_json)


class OneReplay(WebhooksView):
    """``/v1/webhook-endpoints/{id}/replays/{id}``"""

    @extend_schema(operation_id="get_webhook_replay", tags=["Webhooks"], responses=shapes.WebhookReplayShape)
    def get(self, request: Request, endpoint_id: str, replay_id: str) -> Response:  # noqa: ARG002
        """See how far it is."""
        return Response(self.replay_json(self.replay(self.endpoint(endpoint_id), replay_id)))


class CancelReplay(WebhooksView):
    """``/v1/webhook-endpoints/{id}/replays/{id}/cancel``"""

    @extend_schema(
        operation_id="cancel_webhook_replay", tags=["Webhooks"], request=None,
        responses={200: shapes.WebhookReplayShape},
    )  # fmt: skip
    def post(self, request: Request, endpoint_id: str, replay_id: str) -> Response:  # noqa: ARG002
        """
        Take up no more of it.

        What was taken up already is still sent.
        """
        replay = self.replay(self.endpoint(endpoint_id), replay_id)
        return Response(self.replay_json(replays.cancel(replay=replay, by=self.who)))
