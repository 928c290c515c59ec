"""``/v1/changes``: one call that brings a client up to date after a gap."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from contacts.models import Contact
from contacts.serializers import user_json
from conversations.api.v1 import inputs, shapes
from conversations.queries import conversations_of, messages_in
from conversations.serializers import conversation_json, message_json
from core import ids
from core.shapes import Error
from events import feed
from events.event import ID_PREFIX
from events.models import LoggedEvent

EVENTS_AT_ONCE = 500

Found = tuple[list[dict[str, Any]], list[dict[str, Any]]]  # what there is, and what is gone


class Changes(EnvironmentView):
    """``/v1/changes``"""

    scope = "events"

    @extend_schema(
        operation_id="list_changes", tags=["Events"], parameters=[inputs.ChangesQuery],
        responses={200: shapes.Changes, 404: Error, 410: Error},
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """
        Bring yourself up to date after a gap: everything that changed since an event, as it stands now, once each.

        Ask with the `latest` of the answer before, at once while `has_more` is true. The first time, ask without
        `since`: you learn where to start. A `since` that is older than the log answers 410 `events_expired`.
        """
        asked = self.query(inputs.ChangesQuery)
        if "since" not in asked:
            return Response(self._answer([], feed.latest(self.environment), more=False))
        since = feed.find(self.environment, asked["since"], param="since")
        behind = feed.after(LoggedEvent.of(self.environment), since).order_by("position")
        happened = list(behind[: EVENTS_AT_ONCE + 1])
        told = happened[:EVENTS_AT_ONCE]
        return Response(self._answer(told, told[-1] if told else since, more=len(happened) > EVENTS_AT_ONCE))

    def _answer(self, told: Sequence[LoggedEvent], latest: LoggedEvent | None, *, more: bool) -> dict[str, Any]:
        users, lost_users = self._users({row for event in told for row in _people(event)})
        talks, lost_talks = self._conversations({event.conversation_id for event in told if event.conversation_id})
        said, lost_messages = self._messages({event.context["message_id"] for event in told if _tells(event)})
        return {
            "object": "changes",
            "users": users,
            "conversations": talks,
            "messages": said,
            "deleted": [*lost_users, *lost_talks, *lost_messages],
            "latest": latest and ids.encode(ID_PREFIX, latest.pk),
            "has_more": more,
        }

    def _users(self, wanted: set[int]) -> Found:
        known = list(Contact.of(self.environment).filter(pk__in=wanted).order_by("pk"))
        gone = [_tombstone("user", contact.public_id, contact.merged_into_id) for contact in known if contact.is_gone]
        return [user_json(contact, livemode=self.livemode) for contact in known if not contact.is_gone], gone

    def _conversations(self, wanted: set[int]) -> Found:
        there = list(conversations_of(self.environment).filter(pk__in=wanted).order_by("pk"))
        gone = sorted(wanted - {talk.pk for talk in there})
        shown = [conversation_json(talk, livemode=self.livemode) for talk in there]
        return shown, [_tombstone("conversation", ids.encode("conv", row)) for row in gone]

    def _messages(self, wanted: set[int]) -> Found:
        there = list(messages_in(self.environment).filter(pk__in=wanted).order_by("pk"))
        gone = sorted(wanted - {message.pk for message in there})
        shown = [
            message_json(message, livemode=self.livemode, channel=message.conversation.inbox.channel)
            for message in there
        ]
        return shown, [_tombstone("message", ids.encode("msg", row)) for row in gone]


def _tells(event: LoggedEvent) -> bool:
    return "message_id" in event.context


def _people(event: LoggedEvent) -> list[int]:
    """Return the people an event is about; what is said in a conversation does not change the person."""
    if event.conversation_id is not None:
        return []
    rows = [event.context.get("contact_id"), ids.decode("usr", event.data.get("merged_user_id", ""))]
    return [row for row in rows if row is not None]


def _tombstone(kind: str, public_id: str, merged_into: int | None = None) -> dict[str, Any]:
    successor = None if merged_into is None else ids.encode("usr", merged_into)
    return {"id": public_id, "object": kind, "deleted": True, "merged_into": successor}
