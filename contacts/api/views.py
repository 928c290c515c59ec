"""``/v1/suppressions``"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from contacts.api import inputs
from contacts.api.shapes import SuppressionShape
from contacts.models import Suppression
from contacts.serializers import suppression_json
from contacts.services import suppressions
from core.shapes import Deleted, page_of


class SuppressionView(EnvironmentView):
    """What the endpoints of suppressions share."""

    scope = "conversations"

    def json(self, suppression: Suppression) -> dict[str, Any]:
        """Return the ``suppression`` object."""
        return suppression_json(suppression, livemode=self.livemode)


class Suppressions(SuppressionView):
    """``/v1/suppressions``"""

    @extend_schema(
        operation_id="list_suppressions", tags=["Sending"], parameters=[inputs.SuppressionsQuery],
        responses=page_of(SuppressionShape),
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List the addresses that nothing is sent to, newest first: who opted out, bounced or was entered here."""
        asked, found = self.query(inputs.SuppressionsQuery), Suppression.of(self.environment)
        for name in ("channel", "address"):
            found = found.filter(**{name: asked[name]}) if name in asked else found
        return self.page(found, self.json)

    @extend_schema(
        operation_id="create_suppression", tags=["Sending"], request=inputs.AddSuppression,
        responses={201: SuppressionShape},
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Let nothing be sent to an address.

        Sending to it is refused with `opted_out`. An address that is there already stays as it is.
        """
        given = self.parse(inputs.AddSuppression)
        made = suppressions.add(
            environment=self.environment, channel=given["channel"], address=given["address"], scope=given["scope"],
            detail=given.get("detail", ""), by=self.who,
        )  # fmt: skip
        return Response(self.json(made), status=status.HTTP_201_CREATED)


class OneSuppression(SuppressionView):
    """``/v1/suppressions/{id}``"""

    @extend_schema(operation_id="delete_suppression", tags=["Sending"], responses={200: Deleted})
    def delete(self, request: Request, suppression_id: str) -> Response:  # noqa: ARG002
        """
        Let an address be written to again.

        Do so only when whoever has it asked for it. A provider may go on refusing: Twilio does until they write START.
        """
        suppression = self.find(Suppression.of(self.environment), "sup", suppression_id)
        name = suppression.public_id
        suppressions.remove(suppression, by=self.who)
        return Response({"id": name, "object": "suppression", "deleted": True})
