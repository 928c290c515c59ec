"""``/v1/conversations``"""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.v1 import inputs, shapes
from conversations.api.v1.base import ConversationsView
from conversations.models import Conversation
from conversations.queries import conversations_of
from conversations.serializers import conversation_json
from conversations.services import conversations, outreach
from core.shapes import Error, page_of


class ConversationView(ConversationsView):
    """What the endpoints of conversations share."""

    scope = "conversations"

    def json(self, conversation: Conversation) -> dict[str, Any]:
        """Return the ``conversation`` object."""
        return conversation_json(conversation, livemode=self.livemode)


class Conversations(ConversationView):
    """``/v1/conversations``"""

    @extend_schema(
        operation_id="list_conversations", tags=["Conversations"], parameters=[inputs.ConversationsQuery],
        responses={200: page_of(shapes.ConversationShape), 410: Error},
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List conversations, newest first."""
        return self.page(self._wanted(self.query(inputs.ConversationsQuery)), self.json)

    @extend_schema(
        operation_id="create_conversation", tags=["Conversations"], request=inputs.CreateConversation,
        responses={201: shapes.ConversationShape, 410: Error},
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Begin a conversation with somebody you know.

        It starts where the person can be reached in the inbox; `text` is the first message. Where the inbox keeps to a
        single conversation, the one there is goes on.
        """
        fields = self.parse(inputs.CreateConversation)
        contact = self.person_in("user_id", fields.pop("user_id"))
        inbox = self.inbox_in("inbox_id", fields.pop("inbox_id", None))
        begun = outreach.begin(
            inbox=inbox, contact=contact, text=fields.pop("text", None), fields=fields, actor=self.actor
        )
        return Response(self.json(begun), status=status.HTTP_201_CREATED)

    def _wanted(self, asked: dict[str, Any]) -> QuerySet[Conversation]:
        found = conversations_of(self.environment)
        if "user_id" in asked:
            found = found.filter(contact=self.person_in("user_id", asked["user_id"]))
        if "inbox_id" in asked:
            found = found.filter(inbox=self.inbox_in("inbox_id", asked["inbox_id"]))
        if "tag" in asked:
            found = found.filter(tags__contains=[asked["tag"]])
        if "updated_since" in asked:
            found = found.filter(updated_at__gte=asked["updated_since"])
        return found.filter(status=asked["status"]) if "status" in asked else found


class OneConversation(ConversationView):
    """``/v1/conversations/{id}``"""

    @extend_schema(operation_id="get_conversation", tags=["Conversations"], responses=shapes.ConversationShape)
    def get(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """Look a conversation up."""
        return Response(self.json(self.conversation(conversation_id)))

    @extend_schema(
        operation_id="update_conversation", tags=["Conversations"], request=inputs.ChangeConversation,
        responses=shapes.ConversationShape,
    )  # fmt: skip
    def patch(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """
        Change a conversation: its status, who works on it, how it is sorted.

        Fires one `conversation_updated` that says what changed, and `conversation_closed` when it was closed.
        """
        conversation = self.conversation(conversation_id)
        fields = self._resolved(self.parse(inputs.ChangeConversation))
        return Response(self.json(conversations.update(conversation=conversation, fields=fields, actor=self.actor)))

    def _resolved(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields with the agent and the team they name. Raises Invalid."""
        if fields.get("assignee") is not None:
            fields["assignee"] = self.agent_in("assignee", fields["assignee"])
        if fields.get("team") is not None:
            fields["team"] = conversations.team_of(self.environment, fields["team"])
        return fields
