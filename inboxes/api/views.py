"""``/v1/inboxes``"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from core.errors import NotFound
from core.shapes import Deleted, PageQuery, page_of
from inboxes.api import inputs
from inboxes.api.shapes import InboxShape
from inboxes.models import Inbox
from inboxes.serializers import inbox_json
from inboxes.services import inboxes


class InboxView(EnvironmentView):
    """What the endpoints of inboxes share."""

    scope = "inboxes"

    def inbox(self, inbox_id: str) -> Inbox:
        """Return the environment's inbox of that id. Raises NotFound, for a closed one too."""
        inbox = self.find(Inbox.of(self.environment), "inb", inbox_id)
        if inbox.deleted_at is not None:
            raise NotFound(f"No such inbox: {inbox_id[:80]}", param="id")
        return inbox

    def json(self, inbox: Inbox) -> dict[str, Any]:
        """Return the ``inbox`` object."""
        return inbox_json(inbox, livemode=self.livemode)


class Inboxes(InboxView):
    """``/v1/inboxes``"""

    @extend_schema(operation_id="list_inboxes", tags=["Inboxes"], parameters=[PageQuery], responses=page_of(InboxShape))
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List the inboxes, newest first."""
        self.query(PageQuery)
        return self.page(Inbox.of(self.environment).filter(deleted_at=None).select_related("health"), self.listed)

    def listed(self, inbox: Inbox) -> dict[str, Any]:
        """Return the ``inbox`` object of one that was loaded with its health."""
        return inbox_json(inbox, livemode=self.livemode, health=getattr(inbox, "health", None))

    @extend_schema(
        operation_id="create_inbox", tags=["Inboxes"], request=inputs.CreateInbox, responses={201: InboxShape}
    )
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Open an inbox.

        Its `identifier` names it in the client API; API and web inboxes come with an `hmac_token` to sign identities.
        An API inbox's `webhook_url` is told what happens there; the answer that sets it shows `webhook_secret`, once.
        An inbox with a provider is opened only when the provider takes its `settings`; the provider is then told its
        `callback_url`, or, where `health.callback.state` is `manual`, you enter it in the provider's console.
        """
        environment = self.environment
        fields = self.parse(inputs.CreateInbox, also=lambda given: inboxes.problems_of_new(environment, given))
        inbox = inboxes.create(environment=environment, channel=fields.pop("channel"), by=self.who, fields=fields)
        return Response(self.json(inbox), status=status.HTTP_201_CREATED)


class OneInbox(InboxView):
    """``/v1/inboxes/{id}``"""

    @extend_schema(operation_id="get_inbox", tags=["Inboxes"], responses=InboxShape)
    def get(self, request: Request, inbox_id: str) -> Response:  # noqa: ARG002
        """Look an inbox up."""
        return Response(self.json(self.inbox(inbox_id)))

    @extend_schema(operation_id="update_inbox", tags=["Inboxes"], request=inputs.ChangeInbox, responses=InboxShape)
    def patch(self, request: Request, inbox_id: str) -> Response:  # noqa: ARG002
        """
        Change an inbox.

        `settings` are merged key by key, null clears one; everything else that is sent replaces what was there.
        """
        inbox = self.inbox(inbox_id)
        fields = self.parse(inputs.ChangeInbox, also=lambda given: inboxes.problems_of_change(inbox, given))
        return Response(self.json(inboxes.update(inbox=inbox, by=self.who, fields=fields)))

    @extend_schema(operation_id="delete_inbox", tags=["Inboxes"], responses={200: Deleted})
    def delete(self, request: Request, inbox_id: str) -> Response:  # noqa: ARG002
        """
        Close an inbox.

        Its address stops answering; what was said there stays.
        """
        inbox = self.inbox(inbox_id)
        inboxes.close(inbox=inbox, by=self.who)
        return Response({"id": inbox.public_id, "object": "inbox", "deleted": True})


class RotateHmac(InboxView):
    """``/v1/inboxes/{id}/rotate-hmac``"""

    @extend_schema(operation_id="rotate_inbox_hmac", tags=["Inboxes"], request=None, responses={200: InboxShape})
    def post(self, request: Request, inbox_id: str) -> Response:  # noqa: ARG002
        """
        Give an inbox a new signing token.

        Hashes made with the old one are accepted for another 24 hours.
        """
        return Response(self.json(inboxes.rotate_hmac(inbox=self.inbox(inbox_id), by=self.who)))
