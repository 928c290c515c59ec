"""What is said in a person's conversation, and the files that go with it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.client import inputs, shapes
from conversations.api.client.conversations import said_in
from conversations.api.client.door import ClientView
from conversations.client import client_message
from conversations.models import Message
from conversations.queries import shown_message, shown_messages
from conversations.serializers import attachment_json
from conversations.services import answers, posting, uploads
from core import ids, pagination
from core.errors import NotFound, invalid
from core.shapes import Error


class ClientMessages(ClientView):
    """``/client/v1/conversations/{id}/messages``"""

    @extend_schema(
        operation_id="list_client_messages", tags=["Client"], parameters=[inputs.MessagesPage],
        responses=shapes.ClientMessagePage,
    )  # fmt: skip
    def get(self, request: Request, conversation_id: str) -> Response:
        """
        List what was said: the latest page first, each page oldest first.

        `next_cursor` leads to what is older. With `after` you get what was said behind a message instead.
        """
        asked, found = self.query(inputs.MessagesPage), shown_messages(self.conversation(conversation_id))
        if "after" in asked:
            return Response(self._after(found, asked["after"]))
        page = pagination.page(found, request.query_params, default=inputs.MESSAGES_A_PAGE)
        shown = page.as_json(client_message)
        return Response({**shown, "data": shown["data"][::-1]})

    @extend_schema(
        operation_id="say_client_message", tags=["Client"], request=inputs.Say,
        responses={200: shapes.ClientMessage, 201: shapes.ClientMessage, 409: Error},
    )  # fmt: skip
    def post(self, request: Request, conversation_id: str) -> Response:  # noqa: ARG002
        """
        Say something.

        The same `client_message_id` with the same words is one message, however often it is sent: then the answer is
        200. With other words it is refused.
        """
        talk, given = self.conversation(conversation_id), self.parse(inputs.Say)
        message, is_new = posting.post(session=self.session, number=talk.number, said=said_in(given))
        if is_new:
            return Response(client_message(message), status=status.HTTP_201_CREATED)
        return Response(client_message(message), headers={"Idempotent-Replayed": "true"})

    def _after(self, found: Any, message_id: str) -> dict[str, Any]:
        row = ids.decode("msg", message_id)
        if row is None:
            raise invalid("after", "after is a message's id: msg_...", code="not_an_id")
        limit = pagination.read_limit(self.request.query_params, pagination.LARGEST_PAGE)
        said = list(found.filter(id__gt=row).order_by("id")[: limit + 1])
        return {
            "data": [client_message(message) for message in said[:limit]],
            "has_more": len(said) > limit,
            "next_cursor": None,
        }


class ClientMessage(ClientView):
    """``/client/v1/messages/{id}``"""

    @extend_schema(
        operation_id="answer_client_message", tags=["Client"], request=inputs.Answer, responses=shapes.ClientMessage
    )
    def patch(self, request: Request, message_id: str) -> Response:  # noqa: ARG002
        """Answer a message's form, its buttons or its survey."""
        message = self._message(message_id)
        values = answers.read(self.parse(inputs.Answer)["submitted_values"])
        if values is None:
            words = "submitted_values is a list of answers, or an object."
            raise invalid("submitted_values", words, code="invalid")
        message = answers.submit(conversation=message.conversation, message=message, values=values, actor=self.actor)
        return Response(client_message(message))

    def _message(self, message_id: str) -> Message:
        """Return a message this person may see, with its conversation. Raises NotFound."""
        row = ids.decode("msg", message_id)
        found = shown_message(self.session, row) if row is not None else None
        if found is None:
            words = f"There is no message {message_id[:80]!r} of this user."
            raise NotFound(words, code="message_not_found", param="id")
        return found


class ClientAttachments(ClientView):
    """``/client/v1/attachments``"""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="upload_client_attachment", tags=["Client"],
        request={"multipart/form-data": inputs.ClientUpload}, responses={201: shapes.ClientAttachment},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """
        Upload a file, to be named in a message's `attachment_ids`.

        As `multipart/form-data` with one `file` of at most 40 MiB. It waits for a day, for one message of this session.
        """
        files = request.FILES.getlist("file")
        if len(files) != 1:
            code = "too_many" if files else "required"
            raise invalid("file", "One file, as the part of a form that is named file.", code=code)
        self._ignored |= {str(name) for name in request.data} - {"file"}
        upload = uploads.keep_for(self.session, files[0])
        return Response({**attachment_json(upload), "details": {}}, status=status.HTTP_201_CREATED)
