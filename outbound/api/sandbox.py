"""``/v1/sandbox/outbox``: what would have been sent."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from core import ids
from core.errors import NotFound
from core.shapes import Error, page_of
from outbound.api.outbox import OutboxEntryShape, OutboxQuery
from outbound.queries import rehearsed
from outbound.serializers import outbox_json


class Outbox(EnvironmentView):
    """``/v1/sandbox/outbox``"""

    scope = "conversations"

    @extend_schema(
        operation_id="list_sandbox_outbox", tags=["Sandbox"], parameters=[OutboxQuery],
        responses={200: page_of(OutboxEntryShape), 404: Error},
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """
        Look at what the sandbox would have sent.

        Each entry is one attempt: the request as the provider would have got it, byte for byte but for masked secrets,
        and what came of it. Newest first. API and web inboxes have none: their messages are there on the websocket.
        """
        if self.livemode:
            raise NotFound("No such path.")
        asked = self.query(OutboxQuery)
        found = rehearsed(self.environment)
        for name, column in (("channel", "dispatch__inbox__channel"), ("recipient_id", "dispatch__address")):
            if name in asked:
                found = found.filter(**{column: asked[name]})
        for name, prefix, column in (
            ("message_id", "msg", "dispatch__message"),
            ("inbox_id", "inb", "dispatch__inbox"),
        ):
            if name in asked:
                found = found.filter(**{column: ids.decode(prefix, asked[name])})
        return self.page(found, outbox_json)
