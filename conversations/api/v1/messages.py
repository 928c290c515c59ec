"""What is said in one conversation."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.v1 import inputs, shapes
from conversations.api.v1.base import ConversationsView
from conversations.api.v1.rich import drawn
from conversations.models import Message
from conversations.queries import SHOWN_TO_CONTACT, messages_of
from conversations.serializers import message_json
from conversations.services import attachments, messages, replies
from conversations.services.messages import Author, Draft
from core import bodies
from core.shapes import page_of


class ConversationMessages(ConversationsView):
    """``/v1/conversations/{id}/messages``"""

    scope = "conversations"
    parser_classes = (bodies.StrictJSON, MultiPartParser)

    @extend_schema(
        operation_id="list_messages", tags=["Messages"], parameters=[inputs.MessagesQuery],
        responses=page_of(shapes.MessageShape),
    )  # fmt: skip
    def get(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """List what was said in a conversation, newest first unless told, notes among agents too."""
        conversation, asked = self.conversation(conversation_id), self.query(inputs.MessagesQuery)
        found = messages_of(conversation)
        if not asked.get("include_private", True):
            found = found.filter(kind__in=SHOWN_TO_CONTACT)
        channel = conversation.inbox.channel
        return self.page(
            found,
            lambda message: message_json(message, livemode=self.livemode, channel=channel),
            oldest_first=asked.get("order") == "asc",
        )

    @extend_schema(
        operation_id="create_message",
        tags=["Messages"],
        request={"application/json": inputs.SendMessage, "multipart/form-data": inputs.SendForm},
        responses={201: shapes.MessageShape},
    )
    def post(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """
        Answer in a conversation, or leave a note.

        As JSON, or as `multipart/form-data` with up to 15 files of 40 MiB named `attachments`; in a form every field
        but a text is written as JSON. Answering in a closed conversation leaves it closed unless `reopen` is set.
        """
        conversation, said = self.conversation(conversation_id), self.parse(inputs.SendMessage)
        author = self._author(said)
        # With an Idempotency-Key this happens inside that key's transaction, which commits after the files are
        # accepted; if that very commit fails, they stay in the storage until the sweep for orphans finds them.
        with attachments.stored(self.environment, self.request.FILES.getlist("attachments")) as files:
            draft = self._draft(said, files)
            if said["private"]:
                message = messages.note(conversation=conversation, author=author, draft=draft)
            else:
                draft = replies.checked(conversation, draft)
                message = messages.send(conversation=conversation, author=author, draft=draft, reopen=said["reopen"])
        shown = message_json(message, livemode=self.livemode, channel=conversation.inbox.channel)
        return Response(shown, status=status.HTTP_201_CREATED)

    def _author(self, said: dict[str, Any]) -> Author:
        if "as_agent" not in said:
            return Author(Message.Source.API, key_id=self.caller.key.public_id)
        return Author(Message.Source.AGENT, self.agent_in("as_agent", said["as_agent"]))

    def _draft(self, said: dict[str, Any], files: Sequence[attachments.StoredFile]) -> Draft:
        kind = said["message_type"]
        payload = said.get(kind, {}) if kind != Message.Type.TEXT else {}
        linked = [replies.file_of(self.environment, payload)] if kind == Message.Type.MEDIA else []
        content_type, attributes = drawn(said["rich"]) if "rich" in said else ("text", {})
        return Draft(
            content_type=content_type,
            content_attributes=attributes,
            text=said.get("text") or payload.get("text") or payload.get("caption"),
            files=[*files, *linked],
            client_message_id=said.get("client_message_id"),
            type=kind,
            payload=payload,
            metadata=said.get("metadata", {}),
        )
