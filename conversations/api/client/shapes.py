"""What the SDK's door answers, as the API reference describes it."""

from typing import Any

from rest_framework import serializers

from conversations.models import Attachment, Conversation, Message

AUTHORS = ["user", "agent", "ai", "api", "system"]


class ClientUser(serializers.Serializer[Any]):
    """A person as they see themselves."""

    id = serializers.CharField(help_text="`usr_...`")
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    phone_number = serializers.CharField(allow_null=True)
    avatar_url = serializers.CharField()
    user_type = serializers.CharField()
    language = serializers.CharField()
    country = serializers.CharField()
    city = serializers.CharField()
    custom_attributes = serializers.DictField()
    verified = serializers.BooleanField()


class IgnoredShape(serializers.Serializer[Any]):
    """Something a page said that changed nothing."""

    field = serializers.CharField()
    reason = serializers.CharField(help_text="`signed`, `taken`, `identity_required`, `blocked`, or what is wrong.")


class ChangedUser(ClientUser):
    """A person, and what of the page's words changed nothing."""

    ignored = IgnoredShape(many=True)


class ClientLimits(serializers.Serializer[Any]):
    """How much may be sent."""

    file_bytes = serializers.IntegerField()
    files = serializers.IntegerField()
    text_characters = serializers.IntegerField()


class InboxInfo(serializers.Serializer[Any]):
    """What anybody may know of an inbox."""

    id = serializers.CharField()
    name = serializers.CharField()
    is_open = serializers.BooleanField(help_text="Whether somebody is expected to answer now.")
    agents_online = serializers.IntegerField()
    greeting = serializers.CharField()
    identity_required = serializers.BooleanField()
    appearance = serializers.DictField()
    limits = ClientLimits()


class SessionShape(serializers.Serializer[Any]):
    """An open session."""

    object = serializers.ChoiceField(choices=["session"])
    token = serializers.CharField(help_text="Send it with every request.")
    expires_at = serializers.DateTimeField()
    source_id = serializers.CharField(help_text="This device's secret: with it the session goes on later.")
    pubsub_token = serializers.CharField(help_text="For the cable.")
    cable_url = serializers.CharField()
    livemode = serializers.BooleanField()
    user = ClientUser()
    inbox = InboxInfo()
    unread_count = serializers.IntegerField()
    ignored = IgnoredShape(many=True)
    position = serializers.CharField(help_text="Ask for changes since here.")


class ClientAuthor(serializers.Serializer[Any]):
    """Who said something."""

    type = serializers.ChoiceField(choices=AUTHORS)
    id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    avatar_url = serializers.CharField()


class ClientAttachment(serializers.Serializer[Any]):
    """A file, a place or a card."""

    id = serializers.CharField()
    type = serializers.ChoiceField(choices=Attachment.Type.choices)
    url = serializers.CharField()
    filename = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    details = serializers.DictField()


class ClientFailure(serializers.Serializer[Any]):
    """Why a message did not arrive."""

    code = serializers.CharField()
    message = serializers.CharField()


class ClientMessage(serializers.Serializer[Any]):
    """One thing said."""

    id = serializers.CharField()
    conversation_id = serializers.CharField()
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    author = ClientAuthor()
    message_type = serializers.ChoiceField(choices=Message.Type.choices)
    text = serializers.CharField()
    content_type = serializers.CharField()
    content_attributes = serializers.DictField()
    attachments = ClientAttachment(many=True)
    status = serializers.ChoiceField(choices=Message.Status.choices)
    failure = ClientFailure(allow_null=True)
    client_message_id = serializers.CharField(allow_null=True)
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ClientExcerpt(serializers.Serializer[Any]):
    """The latest thing said."""

    id = serializers.CharField()
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    author = ClientAuthor()


class ClientAgent(serializers.Serializer[Any]):
    """Who answers."""

    id = serializers.CharField()
    name = serializers.CharField()
    avatar_url = serializers.CharField()


class ConversationSummary(serializers.Serializer[Any]):
    """A conversation, as lists show it."""

    id = serializers.CharField()
    status = serializers.ChoiceField(choices=Conversation.Status.choices)
    subject = serializers.CharField()
    unread_count = serializers.IntegerField(help_text="What this person has not seen, 100 at most.")
    last_message = ClientExcerpt(allow_null=True)
    assignee = ClientAgent(allow_null=True)
    agents_seen_at = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class BegunConversation(ConversationSummary):
    """A conversation with what was said in it."""

    messages = ClientMessage(many=True)


class ConversationSummaryPage(serializers.Serializer[Any]):
    """A page of conversations."""

    data = ConversationSummary(many=True)  # type: ignore[assignment]  # a shape is never filled
    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True)


class ClientMessagePage(serializers.Serializer[Any]):
    """A page of messages, oldest first."""

    data = ClientMessage(many=True)  # type: ignore[assignment]  # the same
    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True)


class ClientChanges(serializers.Serializer[Any]):
    """What changed, as it stands now."""

    conversations = ConversationSummary(many=True)
    messages = ClientMessage(many=True)
    position = serializers.CharField()
    has_more = serializers.BooleanField()
