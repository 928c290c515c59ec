"""``/v1/templates``"""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import EnvironmentView
from core import fields, ids
from core.errors import invalid
from core.shapes import Deleted, PageQuery, page_of
from inboxes.models import Inbox, Template
from inboxes.serializers import template_json
from inboxes.services import syncing, templates

NAME = r"^[A-Za-z0-9_.-]{1,512}\Z"


class TemplatesQuery(PageQuery):
    """Which templates to list; every filter given has to match."""

    inbox_id = fields.QueryText(required=False, help_text="Those of one inbox's provider.")
    name = fields.QueryText(required=False)
    language = fields.QueryText(required=False)
    status = fields.Choice(choices=Template.Status.choices, required=False)


class CreateTemplate(serializers.Serializer[Any]):
    """A prepared message: its ``text``, or its ``components`` where there is more to it."""

    name = serializers.RegexField(NAME, error_messages={"invalid": "Letters, digits, dots, dashes and underscores."})
    language = fields.Text(longest=20, help_text="As the provider writes it: `en`, `en_US`, `fr`.")
    category = fields.Choice(choices=Template.Category.choices)
    text = fields.Text(required=False, longest=templates.LONGEST_TEXT, help_text="Its body: `Hello {{name}}`.")
    components = fields.Items(
        child=fields.Object(), required=False, min_length=1, max_length=4,
        help_text="`{type: header | body | footer | buttons, text, buttons}`; {{1}} or {{name}} are variables.",
    )  # fmt: skip
    inbox_id = fields.Text(
        required=False, longest=40, help_text="Whose provider is to approve it; without one it is ours."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take a text for a body."""
        text = attrs.pop("text", None)
        if (text is None) == ("components" not in attrs):
            wrong = {"components": "A template has a text, or components."}
            raise serializers.ValidationError(wrong, code="required" if text is None else "ambiguous")
        return attrs if text is None else attrs | {"components": [{"type": "body", "text": text}]}


class SyncInbox(serializers.Serializer[Any]):
    """Whose templates to take over."""

    inbox_id = fields.Text(
        required=False, longest=40, help_text="May be left out where exactly one inbox has templates of its provider."
    )


class TemplateShape(serializers.Serializer[Any]):
    """A prepared message."""

    id = serializers.CharField(help_text="`tpl_...`")
    object = serializers.ChoiceField(choices=["template"])
    inbox_id = serializers.CharField(allow_null=True, help_text="Whose provider has it; null for one of ours.")
    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.ChoiceField(choices=Template.Category.choices)
    status = serializers.ChoiceField(choices=Template.Status.choices)
    reason = serializers.CharField(allow_null=True, help_text="Why the provider refused it.")
    components = serializers.ListField(child=serializers.DictField())
    variables = serializers.ListField(child=serializers.CharField(), help_text="What has to be given to send it.")
    livemode = serializers.BooleanField()
    synced_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SyncShape(serializers.Serializer[Any]):
    """What changed when an inbox's templates were taken over."""

    object = serializers.ChoiceField(choices=["template_sync"])
    inbox_id = serializers.CharField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()


class TemplateView(EnvironmentView):
    """What the endpoints of templates share."""

    scope = "inboxes"

    def inbox(self, inbox_id: str) -> Inbox:
        """Return the open inbox a field names. Raises Invalid."""
        row = ids.decode("inb", inbox_id)
        found = Inbox.of(self.environment).filter(pk=row, deleted_at=None).first() if row is not None else None
        if found is None:
            raise invalid("inbox_id", f"There is no inbox {inbox_id[:80]!r}.", code="unknown_inbox")
        found.environment = self.environment
        return found

    def json(self, template: Template) -> dict[str, Any]:
        """Return the ``template`` object."""
        return template_json(template, livemode=self.livemode)


class Templates(TemplateView):
    """``/v1/templates``"""

    @extend_schema(
        operation_id="list_templates", tags=["Templates"], parameters=[TemplatesQuery],
        responses=page_of(TemplateShape),
    )  # fmt: skip
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List templates, newest first: yours, and those of your inboxes' providers."""
        return self.page(self._wanted(self.query(TemplatesQuery)), self.json)

    @extend_schema(
        operation_id="create_template", tags=["Templates"], request=CreateTemplate, responses={201: TemplateShape}
    )
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Make a template.

        With an `inbox_id` it is handed in to that inbox's provider (WhatsApp): `pending` until it is approved. Without
        one it is yours at once, for every channel whose templates are written by us.
        """
        given = self.parse(CreateTemplate)
        inbox = self.inbox(given.pop("inbox_id")) if "inbox_id" in given else None
        made = templates.create(environment=self.environment, inbox=inbox, fields=given, by=self.who)
        return Response(self.json(made), status=status.HTTP_201_CREATED)

    def _wanted(self, asked: dict[str, Any]) -> QuerySet[Template]:
        found = Template.of(self.environment)
        if "inbox_id" in asked:
            found = found.filter(inbox=self.inbox(asked["inbox_id"]))
        for name in ("name", "language", "status"):
            found = found.filter(**{name: asked[name]}) if name in asked else found
        return found


class OneTemplate(TemplateView):
    """``/v1/templates/{id}``"""

    @extend_schema(operation_id="get_template", tags=["Templates"], responses=TemplateShape)
    def get(self, request: Request, template_id: str) -> Response:  # noqa: ARG002
        """Look a template up."""
        return Response(self.json(self.find(Template.of(self.environment), "tpl", template_id)))

    @extend_schema(operation_id="delete_template", tags=["Templates"], responses={200: Deleted})
    def delete(self, request: Request, template_id: str) -> Response:  # noqa: ARG002
        """
        Delete a template.

        One that a provider has is taken back there first; messages that were sent with it stay.
        """
        template = self.find(Template.of(self.environment).select_related("inbox"), "tpl", template_id)
        name = template.public_id
        syncing.take_back(template, by=self.who)
        return Response({"id": name, "object": "template", "deleted": True})


class SyncTemplates(TemplateView):
    """``/v1/templates/sync``"""

    is_idempotent = True

    @extend_schema(
        operation_id="sync_templates", tags=["Templates"], request=SyncInbox, responses={200: SyncShape}
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Take over the templates that an inbox's provider has.

        This happens by itself when an inbox is opened, every ten minutes, and when the provider tells of a change.
        Where one inbox alone has templates of its provider (WhatsApp), `inbox_id` may be left out.
        """
        named = self.parse(SyncInbox).get("inbox_id")
        inbox = self.inbox(named) if named is not None else syncing.only_inbox(self.environment)
        return Response({"object": "template_sync", "inbox_id": inbox.public_id, **syncing.sync(inbox)})
