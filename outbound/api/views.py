"""``/v1/send-message``, ``/v1/messages/{id}`` and ``/v1/channels``."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from conversations.models import Message
from conversations.services.messages import Author
from core.shapes import Error, listed
from inboxes import channels
from inboxes.models import Inbox
from outbound import queries
from outbound.api import inputs, shapes
from outbound.serializers import accepted_json, sent_json
from outbound.services import canceling, planning, resending, sending
from outbound.services.planning import Plan

SENT = {202: shapes.AcceptedMessageShape, 200: shapes.ValidationShape, 410: Error}


class Sending(EnvironmentView):
    """``/v1/send-message``"""

    scope = "conversations"

    @extend_schema(operation_id="send_message", tags=["Sending"], request=inputs.OutgoingMessage, responses=SENT)
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Send a message to somebody, on any channel.

        The person and the conversation are found or made, so that an agent can carry on. Everything that is wrong with
        a request is named in one answer, and then nothing is sent. Say an `Idempotency-Key`: the same request said
        twice sends one message. With `validate_only` the answer is 200 and tells what would be sent.
        """
        environment = self.environment
        asked = self.parse(inputs.OutgoingMessage, also=lambda given: planning.problems(environment, given))
        plan = planning.plan(environment, asked)
        if asked["validate_only"]:
            return Response(self._checked(plan, asked["recipient_id"]))
        message = sending.send(plan, author=Author(Message.Source.API, key_id=self.caller.key.public_id))
        shown = accepted_json(
            message, recipient_id=asked["recipient_id"], warnings=plan.leg.warnings, facts=plan.leg.facts
        )
        return Response(shown, status=status.HTTP_202_ACCEPTED, headers={"Location": shown["status_url"]})

    def _checked(self, plan: Plan, recipient_id: str) -> dict[str, Any]:
        leg = plan.leg
        contact, inbox = leg.recipient.contact, leg.recipient.inbox
        return {
            "object": "validation",
            "valid": True,
            "channel": inbox.channel,
            "inbox_id": inbox.public_id,
            "recipient_id": recipient_id,
            "user_id": contact.public_id if contact else None,
            "category": leg.category,
            "adaptations": list(leg.adaptations),
            "warnings": list(leg.warnings),
            **leg.facts,
            "livemode": self.livemode,
        }


class Messages(Sending):
    """``/v1/messages``: the same, as resources are called."""

    @extend_schema(operation_id="create_sent_message", tags=["Sending"], request=inputs.OutgoingMessage, responses=SENT)
    def post(self, request: Request) -> Response:
        """
        Send a message to somebody, under its other name.

        The same as `POST /v1/send-message`.
        """
        return super().post(request)


class MessageView(EnvironmentView):
    """What the endpoints of one message share."""

    scope = "conversations"

    def message(self, message_id: str) -> Message:
        """Return the environment's message of that id, with its attempts. Raises NotFound."""
        message = self.find(queries.messages_with_ways(self.environment), "msg", message_id)
        message.conversation.environment = self.environment
        return message


class OneMessage(MessageView):
    """``/v1/messages/{id}``"""

    @extend_schema(operation_id="get_message", tags=["Messages"], responses=shapes.SentMessageShape)
    def get(self, request: Request, message_id: str) -> Response:  # noqa: ARG002
        """Look a message up, with every attempt at sending it and what became of it."""
        return Response(sent_json(self.message(message_id)))


class CancelMessage(MessageView):
    """``/v1/messages/{id}/cancel``"""

    @extend_schema(
        operation_id="cancel_message", tags=["Sending"], request=None, responses={200: shapes.SentMessageShape}
    )
    def post(self, request: Request, message_id: str) -> Response:  # noqa: ARG002
        """
        Take a message back that has not left.

        While it is `queued` or `scheduled`; one that is on its way, or beyond, answers 409 `not_cancelable`.
        """
        canceling.cancel(self.message(message_id), actor=self.actor)
        return Response(sent_json(self.message(message_id)))


class RetryMessage(MessageView):
    """``/v1/messages/{id}/retry``"""

    @extend_schema(
        operation_id="retry_message", tags=["Sending"], request=None, responses={202: shapes.SentMessageShape}
    )
    def post(self, request: Request, message_id: str) -> Response:  # noqa: ARG002
        """
        Send a message anew that `failed`, or of which nobody knows what became (`unknown`).

        An unknown one may have arrived: then it arrives twice. Any other answers 409 `not_retryable`; one whose
        inbox was closed answers 409 `inbox_closed`: send what it says by another.
        """
        resending.retry(self.message(message_id), actor=self.actor)
        return Response(sent_json(self.message(message_id)), status=status.HTTP_202_ACCEPTED)


class Channels(EnvironmentView):
    """``/v1/channels``"""

    scope = "inboxes"

    @extend_schema(
        operation_id="list_channels", tags=["Sending"], parameters=[inputs.ChannelsQuery],
        responses=listed(shapes.ChannelShape),
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """
        List the channels, what can be said on each, and your inboxes there.

        These are the limits that requests are checked against.
        """
        asked = self.query(inputs.ChannelsQuery)
        inboxes = list(Inbox.of(self.environment).filter(deleted_at=None).order_by("id"))
        kinds = [asked["channel"]] if "channel" in asked else list(channels.REGISTRY)
        return Response({"data": [self._channel(kind, inboxes) for kind in kinds]})

    def _channel(self, kind: str, inboxes: list[Inbox]) -> dict[str, Any]:
        mine = [{"id": each.public_id, "name": each.name} for each in inboxes if each.channel == kind]
        return {
            "object": "channel",
            "channel": kind,
            "connected": bool(mine),
            "inboxes": mine,
            **channels.find(kind).capabilities.as_json(),
            "livemode": self.livemode,
        }
