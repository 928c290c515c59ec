"""``/v1/events``: what happened."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from conversations.api.v1 import inputs, shapes
from core import ids, pagination
from core.errors import invalid
from core.shapes import Error, page_of
from events import feed
from events.models import LoggedEvent
from events.serializers import event_json


class Events(EnvironmentView):
    """``/v1/events``"""

    scope = "events"

    @extend_schema(
        operation_id="list_events",
        tags=["Events"],
        parameters=[inputs.EventsQuery],
        responses={200: page_of(shapes.EventShape), 404: Error, 410: Error},
    )
    def get(self, request: Request) -> Response:
        """
        List what happened in the last 30 days, newest first; with `after`, what followed an event, oldest first.

        Reading on from the last event you saw misses none, even of those that were being written at the same moment.
        An `after` that is older than the log answers 410 `events_expired`: start again from your own copy.
        """
        asked = self.query(inputs.EventsQuery)
        found = self._wanted(asked)
        if "after" not in asked:
            return self.page(found, event_json)
        followed = feed.after(found, feed.find(self.environment, asked["after"], param="after"))
        page = pagination.page(followed, request.query_params, field="position", oldest_first=True)
        return Response(page.as_json(event_json))

    def _wanted(self, asked: dict[str, Any]) -> QuerySet[LoggedEvent]:
        found = LoggedEvent.of(self.environment)
        if "types" in asked:
            found = found.filter(type__in=asked["types"])
        if "since" in asked:
            found = found.filter(occurred_at__gte=asked["since"])
        if "conversation_id" in asked:
            row = ids.decode("conv", asked["conversation_id"])
            if row is None:
                raise invalid("conversation_id", "conversation_id is an id such as conv_...", code="not_an_id")
            found = found.filter(conversation_id=row)
        return found


class OneEvent(EnvironmentView):
    """``/v1/events/{id}``"""

    scope = "events"

    @extend_schema(operation_id="get_event", tags=["Events"], responses={200: shapes.EventShape, 410: Error})
    def get(self, request: Request, event_id: str) -> Response:  # noqa: ARG002
        """Look an event up; one that is older than the log answers 410."""
        return Response(event_json(feed.find(self.environment, event_id, param="id")))
