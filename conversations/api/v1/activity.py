"""``/v1/conversations/{id}/typing`` and ``/ai-state``: what is being done at this moment."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.v1 import inputs, shapes
from conversations.api.v1.conversations import ConversationView
from conversations.services import activity


class Typing(ConversationView):
    """``/v1/conversations/{id}/typing``"""

    is_idempotent = True

    @extend_schema(
        operation_id="show_typing", tags=["Conversations"], request=inputs.ShowTyping, responses={200: shapes.Typing}
    )
    def post(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """
        Show that an agent is typing, or has stopped.

        Whoever looks at the conversation now sees it; it is not kept. Say it again every few seconds while it lasts.
        """
        conversation = self.conversation(conversation_id)
        fields = self.parse(inputs.ShowTyping)
        agent = self.agent_in("as_agent", fields["as_agent"]) if "as_agent" in fields else None
        activity.typed(conversation=conversation, agent=agent, is_on=fields["is_typing"], actor=self.actor)
        told: dict[str, Any] = {"object": "typing", "conversation_id": conversation.public_id}
        return Response({**told, "is_typing": fields["is_typing"]})


class AiState(ConversationView):
    """``/v1/conversations/{id}/ai-state``"""

    is_idempotent = True

    @extend_schema(
        operation_id="show_ai_state", tags=["Conversations"], request=inputs.ShowAiState,
        responses={200: shapes.AiState},
    )  # fmt: skip
    def post(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """
        Show what your assistant is doing: that it thinks, searches, writes, and what it has written so far.

        Whoever looks at the conversation now sees it; it is not kept. Send the finished answer as a message, which
        takes its place. Twice a second is enough for a text that grows; each call counts towards the rate limit.
        """
        conversation = self.conversation(conversation_id)
        fields = self.parse(inputs.ShowAiState)
        state, text = fields["state"], fields.get("text") or ""
        activity.assistant_is(conversation=conversation, state=state, text=text, actor=self.actor)
        told: dict[str, Any] = {"object": "ai_state", "conversation_id": conversation.public_id}
        return Response({**told, "state": state, "text": text})
