"""``/v1/users``"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import queries
from contacts.models import Contact
from contacts.serializers import user_json
from contacts.services import contacts
from conversations.api.v1 import inputs, shapes
from conversations.api.v1.base import ConversationsView
from conversations.services import erasure, people
from core.shapes import Deleted, Error, page_of


class UserView(ConversationsView):
    """What the endpoints of people share."""

    scope = "users"

    def json(self, contact: Contact) -> dict[str, Any]:
        """Return the ``user`` object."""
        return user_json(contact, livemode=self.livemode)


class Users(UserView):
    """``/v1/users``"""

    @extend_schema(
        operation_id="list_users", tags=["Users"], parameters=[inputs.PeopleQuery], responses=page_of(shapes.User)
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List people, newest first."""
        asked = self.query(inputs.PeopleQuery)
        wanted = {name: asked[name] for name in ("email", "phone_number", "external_id", "tag") if name in asked}
        return self.page(queries.people(self.environment, **wanted), self.json)


class OneUser(UserView):
    """``/v1/users/{usr_ or external id}``"""

    @extend_schema(operation_id="get_user", tags=["Users"], responses={200: shapes.User, 410: Error})
    def get(self, request: Request, user_id: str) -> Response:  # noqa: ARG002
        """
        Look a person up by `usr_` id or by your own id.

        A record that was merged answers 410 and names its successor in `Link`; an erased one answers 410 without.
        """
        return Response(self.json(self.person(user_id)))

    @extend_schema(
        operation_id="upsert_user", tags=["Users"], request=inputs.UserFields,
        responses={200: shapes.User, 201: shapes.User, 409: Error, 410: Error},
    )  # fmt: skip
    def put(self, request: Request, user_id: str) -> Response:  # noqa: ARG002
        """
        Make or change the person you call by this id.

        201 when they are new, 200 when they were known. Fields that are left out stay as they are.
        """
        fields = self.parse(inputs.UserFields)
        known = queries.named(self.environment, user_id)
        if known is not None:
            return Response(self.json(contacts.update(contact=known, fields=fields, actor=self.actor)))
        contact, is_new = contacts.upsert(
            environment=self.environment, external_id=user_id, fields=fields, actor=self.actor
        )
        return Response(self.json(contact), status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(
        operation_id="update_user", tags=["Users"], request=inputs.ChangeUser,
        responses={200: shapes.User, 409: Error, 410: Error},
    )  # fmt: skip
    def patch(self, request: Request, user_id: str) -> Response:  # noqa: ARG002
        """
        Change a person.

        Fires one `user_updated` that says what changed and that your key did it; none when nothing changed.
        """
        contact, fields = self.person(user_id), self.parse(inputs.ChangeUser)
        return Response(self.json(contacts.update(contact=contact, fields=fields, actor=self.actor)))

    @extend_schema(operation_id="delete_user", tags=["Users"], responses={200: Deleted, 410: Error})
    def delete(self, request: Request, user_id: str) -> Response:  # noqa: ARG002
        """
        Erase a person and everything said with them, for good.

        Messages, files and their traces in the event log go; a tombstone without anything personal stays.
        """
        contact = erasure.erase(contact=self.person(user_id), by=self.who, actor=self.actor)
        return Response({"id": contact.public_id, "object": "user", "deleted": True})


class ExportUser(UserView):
    """``/v1/users/{id}/export``"""

    @extend_schema(operation_id="export_user", tags=["Users"], responses={200: shapes.UserExport, 410: Error})
    def get(self, request: Request, user_id: str) -> Response:  # noqa: ARG002
        """Hand out everything held about one person, as one JSON object; takes `conversations:read` too."""
        self.caller.require("conversations:read")
        return Response(erasure.export(self.person(user_id)))


class UserTags(UserView):
    """``/v1/users/{id}/tags``"""

    @extend_schema(
        operation_id="add_user_tags", tags=["Users"], request=inputs.Tags, responses={200: shapes.User, 410: Error}
    )
    def post(self, request: Request, user_id: str) -> Response:  # noqa: ARG002
        """Put tags on a person; fires one `user_updated` with `tags_added`."""
        contact, tags = self.person(user_id), self.parse(inputs.Tags)["tags"]
        return Response(self.json(contacts.change_tags(contact=contact, add=tags, actor=self.actor)))


class UserTag(UserView):
    """``/v1/users/{id}/tags/{tag}``"""

    @extend_schema(operation_id="remove_user_tag", tags=["Users"], responses={200: shapes.User, 410: Error})
    def delete(self, request: Request, user_id: str, tag: str) -> Response:  # noqa: ARG002
        """Take a tag off a person; fires one `user_updated` with `tags_removed`, none if they did not have it."""
        contact = contacts.change_tags(contact=self.person(user_id), remove=[tag], actor=self.actor)
        return Response(self.json(contact))


class MergeUsers(UserView):
    """``/v1/users/merge``"""

    @extend_schema(
        operation_id="merge_users", tags=["Users"], request=inputs.MergeUsers, responses={200: shapes.User, 410: Error}
    )
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Make one person of two records.

        What was said with `from` belongs to `into` afterwards; the old id answers 410 and names its successor.
        """
        named = self.parse(inputs.MergeUsers)
        source, target = self.person_in("from", named["from"]), self.person_in("into", named["into"])
        return Response(self.json(people.merge(source=source, into=target, actor=self.actor)))
