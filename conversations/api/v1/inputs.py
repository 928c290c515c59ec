"""What may be asked of people, conversations, messages and events."""

from typing import Any, ClassVar

from rest_framework import serializers

from conversations.api.v1.rich import Rich
from conversations.api.v1.shapes import AI_STATES
from conversations.errors import LONGEST_TEXT
from conversations.models import Conversation, Message
from conversations.services.attachments import MOST_FILES
from core import fields
from core.metadata import Metadata
from core.shapes import PageQuery
from events.event import CATALOGUE

MOST_BUTTONS = 100
LONGEST_AI_TEXT = 20_000


class PeopleQuery(PageQuery):
    """Which people to list; every filter given has to match."""

    email = fields.QueryText(required=False, help_text="Compared without regard to case.")
    phone_number = fields.QueryText(required=False, help_text="In E.164 form: +212600000001.")
    external_id = fields.QueryText(required=False, help_text="Your own id.")
    tag = fields.QueryText(required=False)


class UserFields(serializers.Serializer[Any]):
    """What a person's own record holds; what is left out stays as it is."""

    first_name = fields.Clearable(required=False, longest=255)
    last_name = fields.Clearable(required=False, longest=255)
    name = fields.Clearable(required=False, longest=255, help_text="Made of first and last name unless given.")
    email = fields.Clearable(required=False, longest=255)
    phone_number = fields.Clearable(required=False, longest=32, help_text="With a country code: +212600000001.")
    avatar_url = fields.Clearable(required=False, longest=2048)
    user_type = fields.Clearable(required=False, longest=60, help_text="Chooses how the assistant behaves: `premium`.")
    language = fields.Clearable(required=False, longest=35)
    country = fields.Clearable(required=False, longest=60)
    city = fields.Clearable(required=False, longest=120)
    custom_attributes = fields.Object(
        required=False, help_text="Merged key by key; null removes a key. Numbers stay numbers."
    )
    tags = fields.Words(required=False, help_text="Replaces the tags there were.")
    blocked = fields.Flag(required=False, help_text="Nothing is sent to a blocked person.")


class ChangeUser(UserFields):
    """What can be changed about a person."""

    external_id = fields.Clearable(required=False, longest=255, help_text="Your own id.")


class Tags(serializers.Serializer[Any]):
    """Tags to put on a person."""

    tags = fields.Words(min_length=1)


class MergeUsers(serializers.Serializer[Any]):
    """Two records that are one person."""

    gone = fields.Text(help_text="The record that goes; `usr_` id or your own.")
    kept = fields.Text(help_text="The record that stays; `usr_` id or your own.")

    def get_fields(self) -> dict[str, Any]:
        """Name them as the API does: ``from`` is a word of Python's own."""
        named = super().get_fields()
        return {"from": named["gone"], "into": named["kept"]}


class ConversationsQuery(PageQuery):
    """Which conversations to list; every filter given has to match."""

    status = fields.Choice(choices=Conversation.Status.choices, required=False)
    user_id = fields.QueryText(required=False, help_text="`usr_` id or your own id of the person.")
    inbox_id = fields.QueryText(required=False)
    tag = fields.QueryText(required=False)
    updated_since = fields.Moment(required=False)


class ConversationFields(serializers.Serializer[Any]):
    """What a conversation holds besides what is said."""

    subject = fields.Clearable(required=False, longest=255)
    tags = fields.Words(required=False)
    custom_attributes = fields.Object(required=False, help_text="Merged key by key; null removes a key.")


class CreateConversation(ConversationFields):
    """A conversation with somebody you know."""

    user_id = fields.Text(longest=255, help_text="`usr_` id or your own id of the person.")
    inbox_id = fields.Text(required=False, help_text="May be left out when there is exactly one inbox.")
    text = fields.Speech(required=False, longest=LONGEST_TEXT, help_text="The first message.")


class ChangeConversation(ConversationFields):
    """What can be changed about a conversation."""

    status = fields.Choice(choices=Conversation.Status.choices, required=False)
    assignee = fields.Text(
        required=False, allow_null=True, help_text="An agent's e-mail address or `agt_` id; null takes them off."
    )
    team = fields.Text(required=False, allow_null=True, help_text="The team's name; null takes it off.")
    priority = fields.Choice(choices=Conversation.Priority.choices, required=False, allow_null=True)
    labels = fields.Words(required=False)
    snoozed_until = fields.Moment(required=False, allow_null=True, help_text="Snoozes the conversation until then.")


class ShowTyping(serializers.Serializer[Any]):
    """Somebody on your side is writing."""

    is_typing = fields.Flag()
    as_agent = fields.Text(required=False, help_text="An agent's e-mail address or `agt_` id; else nobody is named.")


class ShowAiState(serializers.Serializer[Any]):
    """What your assistant is doing."""

    state = fields.Choice(choices=AI_STATES, help_text="`idle` ends it; `handed_off`: a human takes over.")
    text = fields.Text(
        required=False, allow_null=True, allow_blank=True, longest=LONGEST_AI_TEXT,
        help_text="All that it has written of its answer so far, each time from the beginning.",
    )  # fmt: skip


class MessagesQuery(PageQuery):
    """Which messages to list."""

    order = fields.Choice(choices=["asc", "desc"], required=False, help_text="`desc` (newest first) unless told.")
    include_private = fields.QueryFlag(
        required=False, help_text="`false` leaves what the person on the other side can see."
    )


class Media(fields.Group):
    """A file somewhere on the web, or one that was uploaded before: it has a ``url`` or an ``attachment_id``."""

    type = fields.Choice(choices=["image", "video", "audio", "document"])
    url = fields.WebAddress(required=False, longest=2048)
    attachment_id = fields.Text(required=False, longest=40, help_text="`att_...`, from `POST /v1/attachments`.")
    caption = fields.Speech(required=False, allow_blank=True, longest=LONGEST_TEXT)
    filename = fields.Text(required=False, longest=255)


class Button(fields.Group):
    """One choice: ``id`` comes back as an answer, ``url`` opens a page."""

    title = fields.Speech(longest=200)
    id = fields.Text(required=False, longest=255)
    url = fields.WebAddress(required=False, longest=2048)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a button that does both, or nothing."""
        if ("id" in attrs) == ("url" in attrs):
            raise serializers.ValidationError("A button has an id or a url.", code="ambiguous")
        return attrs


class Buttons(fields.Group):
    """A question with buttons below it."""

    text = fields.Speech(longest=LONGEST_TEXT)
    buttons = fields.Items(child=Button(), min_length=1, max_length=MOST_BUTTONS)
    header = fields.Text(required=False, longest=255)
    footer = fields.Text(required=False, longest=255)


class Template(fields.Group):
    """A text that was prepared before: one that a provider has approved, or one of ours."""

    name = fields.Text(longest=512)
    language = fields.Text(longest=35)
    variables = fields.Variables(required=False, help_text='By name, `{"1": "Ana"}`, or a list for {{1}}, {{2}} ...')


class SendMessage(serializers.Serializer[Any]):
    """What to say: ``text``, files, or the object that ``message_type`` names."""

    PAYLOADS: ClassVar[tuple[str, ...]] = (Message.Type.MEDIA, Message.Type.BUTTON, Message.Type.TEMPLATE)

    message_type = fields.Choice(choices=Message.Type.choices, required=False, default=Message.Type.TEXT)
    text = fields.Speech(required=False, allow_null=True, allow_blank=True, longest=LONGEST_TEXT)
    media = Media(required=False)
    button = Buttons(required=False)
    template = Template(required=False)
    rich = Rich(required=False, help_text="Drawn below the text, in web and API inboxes; its answer is in `payload`.")
    private = fields.Flag(required=False, default=False, help_text="A note that only agents see.")
    as_agent = fields.Text(required=False, help_text="An agent's e-mail address or `agt_` id; else the API says it.")
    reopen = fields.Flag(required=False, default=False, help_text="Open the conversation if it is closed or snoozed.")
    client_message_id = fields.Text(
        required=False, longest=255, help_text="Your own id: the same one with the same words within a day is a retry."
    )
    metadata = Metadata(required=False, help_text="Up to 50 notes of your own; returned in events.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a type without its object, and an object without its type."""
        kind = attrs["message_type"]
        wrong = {
            name: "This goes with another message_type." if name in attrs else f"A {name} message needs this object."
            for name in self.PAYLOADS
            if (name in attrs) != (name == kind)
        }
        if "rich" in attrs and (kind != Message.Type.TEXT or attrs["private"] or not attrs.get("text")):
            wrong["rich"] = "This goes with a text that the person sees."
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


class SendForm(SendMessage):
    """The same as a form, with files; every field but a text is written as JSON."""

    attachments = fields.Items(child=fields.File(), required=False, max_length=MOST_FILES)


class Upload(serializers.Serializer[Any]):
    """A file to be sent later."""

    file = fields.File()


class EventsQuery(PageQuery):
    """Which events to list."""

    types = fields.CommaSeparated(required=False, help_text="Comma-separated: `message_in,user_updated`.")
    since = fields.Moment(required=False, help_text="Only what happened at or after this time.")
    conversation_id = fields.QueryText(required=False)
    after = fields.QueryText(
        required=False, help_text="An event's id: list what followed it, oldest first, and miss nothing."
    )

    def validate_types(self, types: list[str]) -> list[str]:
        """Refuse a type that no event has."""
        if unknown := sorted(set(types) - set(CATALOGUE)):
            known = ", ".join(sorted(CATALOGUE))
            raise serializers.ValidationError(f"Unknown type {unknown[0]!r}; known: {known}.", code="unknown_value")
        return types


class ChangesQuery(serializers.Serializer[Any]):
    """From where to catch up."""

    since = fields.QueryText(
        required=False, help_text="The `latest` of the answer before. Without it you only learn where to start."
    )
