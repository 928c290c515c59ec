"""A person's conversations, as their browser or app has them."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.services import attributes
from conversations.api.client import inputs, shapes
from conversations.api.client.door import ClientView
from conversations.client import client_conversation, client_message
from conversations.models import Conversation
from conversations.queries import conversations_for, standings
from conversations.services import changes, conversations, posting
from conversations.services.posting import Said
from core import pagination, throttle
from core.shapes import Error

NEW_CONVERSATIONS_A_MINUTE = 30


def summaries(talks: Sequence[Conversation]) -> list[dict[str, Any]]:
    """Return conversations as lists show them, in two queries for all of them."""
    found = standings(talks)
    return [
        client_conversation(talk, unread=found[talk.pk].unread, last=found[talk.pk].last) for talk in talks
    ]  # fmt: skip


def said_in(given: dict[str, Any]) -> Said:
    """Return what a request says."""
    return Said(given.get("text") or "", given["client_message_id"], tuple(given.get("attachment_ids", ())))


class ClientConversations(ClientView):
    """``/client/v1/conversations``"""

    @extend_schema(
        operation_id="list_client_conversations", tags=["Client"], parameters=[inputs.Page],
        responses=shapes.ConversationSummaryPage,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """List the person's conversations, the latest activity first."""
        self.query(inputs.Page)
        page = pagination.page_by_moment(
            conversations_for(self.session), request.query_params, field="last_activity_at"
        )
        shown = dict(zip(page.rows, summaries(page.rows), strict=True))
        return Response(page.as_json(shown.__getitem__))

    @extend_schema(
        operation_id="begin_client_conversation", tags=["Client"], request=inputs.Begin,
        responses={200: shapes.BegunConversation, 201: shapes.BegunConversation, 409: Error},
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Begin a conversation, with its first message if there is one.

        The same `client_message_id` again answers 200 with the conversation it began, however often it is sent.
        """
        given = self.parse(inputs.Begin)
        self.count(throttle.Limit(f"session:begin:{self.session.pk}", NEW_CONVERSATIONS_A_MINUTE))
        fields = {"subject": given["subject"]} if given.get("subject") else {}
        if custom := attributes.without_nulls(given.get("custom_attributes", {})):
            fields["custom_attributes"] = custom
        said = said_in(given["message"]) if given.get("message") else None
        begun = posting.begin(session=self.session, fields=fields, said=said)
        shown = {**summaries([begun.conversation])[0], "messages": [client_message(each) for each in begun.messages]}
        if begun.is_new:
            return Response(shown, status=status.HTTP_201_CREATED)
        return Response(shown, headers={"Idempotent-Replayed": "true"})


class ClientConversation(ClientView):
    """``/client/v1/conversations/{id}``"""

    @extend_schema(
        operation_id="get_client_conversation", tags=["Client"], responses=shapes.ConversationSummary
    )  # fmt: skip
    def get(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """Look one of the person's conversations up."""
        return Response(summaries([self.conversation(conversation_id)])[0])

    @extend_schema(
        operation_id="update_client_conversation", tags=["Client"], request=inputs.ChangeMyConversation,
        responses=shapes.ConversationSummary,
    )  # fmt: skip
    def patch(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """Close a conversation, or open it again."""
        talk, given = self.conversation(conversation_id), self.parse(inputs.ChangeMyConversation)
        talk = conversations.update(
            conversation=talk, fields=given, actor=self.actor, by_name=self.session.contact.name
        )  # fmt: skip
        return Response(summaries([talk])[0])


class ReadConversation(ClientView):
    """``/client/v1/conversations/{id}/read``"""

    @extend_schema(operation_id="read_client_conversation", tags=["Client"], request=None, responses={204: None})
    def post(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """Say that the person has seen everything up to now."""
        talk = self.conversation(conversation_id)
        conversations.seen_by_contact(session=self.session, number=talk.number)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TypeInConversation(ClientView):
    """``/client/v1/conversations/{id}/typing``"""

    @extend_schema(
        operation_id="type_in_client_conversation", tags=["Client"], request=inputs.Typing, responses={204: None}
    )
    def post(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """Say that the person is writing, or has stopped."""
        talk, given = self.conversation(conversation_id), self.parse(inputs.Typing)
        conversations.typed_by_contact(session=self.session, number=talk.number, is_on=given["is_typing"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class Changes(ClientView):
    """``/client/v1/changes``"""

    @extend_schema(
        operation_id="list_client_changes", tags=["Client"], parameters=[inputs.Since],
        responses={200: shapes.ClientChanges, 410: Error},
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """
        Catch up: what changed for this person since a position, as it stands now, each once.

        Ask with the `position` of the answer before, at once while `has_more` is true. A position that is too old
        answers 410 `position_gone`: then load everything anew.
        """
        found = changes.since(self.session, changes.read(self.query(inputs.Since)["since"]))
        return Response(
            {
                "conversations": summaries(found.conversations),
                "messages": [client_message(message) for message in found.messages],
                "position": str(found.position),
                "has_more": found.has_more,
            }
        )
