"""People, conversations, messages and events, as the API reference describes them."""

from typing import Any

from rest_framework import serializers

from conversations.models import Attachment, Conversation, Message
from core.shapes import Deleted
from events.event import CATALOGUE
from inboxes.models import Inbox

AI_STATES = ["idle", "thinking", "searching", "writing", "handed_off"]
ACTORS = ["user", "agent", "ai", "api", "system"]


class User(serializers.Serializer[Any]):
    """A person: one of your customers."""

    id = serializers.CharField(help_text="`usr_...`")
    object = serializers.ChoiceField(choices=["user"])
    external_id = serializers.CharField(allow_null=True, help_text="Your own id of the person.")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    phone_number = serializers.CharField(allow_null=True, help_text="In E.164 form.")
    avatar_url = serializers.CharField()
    user_type = serializers.CharField()
    language = serializers.CharField()
    country = serializers.CharField()
    custom_attributes = serializers.DictField(help_text="Yours; values keep the types you gave them.")
    tags = serializers.ListField(child=serializers.CharField())
    blocked = serializers.BooleanField()
    verified = serializers.BooleanField(help_text="Somebody signed for this identity.")
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(allow_null=True)


class Agent(serializers.Serializer[Any]):
    """Somebody who works for the business."""

    id = serializers.CharField(help_text="`agt_...`")
    name = serializers.CharField()
    avatar_url = serializers.CharField()


class TeamShape(serializers.Serializer[Any]):
    """A group of agents."""

    name = serializers.CharField()


class LastMessage(serializers.Serializer[Any]):
    """The latest thing said."""

    id = serializers.CharField()
    text = serializers.CharField()
    created_at = serializers.DateTimeField()


class ConversationShape(serializers.Serializer[Any]):
    """One person talking to your business through one inbox."""

    id = serializers.CharField(help_text="`conv_...`")
    object = serializers.ChoiceField(choices=["conversation"])
    number = serializers.IntegerField(help_text="Counts from 1 in each environment; what agents call it.")
    status = serializers.ChoiceField(choices=Conversation.Status.choices)
    subject = serializers.CharField()
    inbox_id = serializers.CharField()
    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    user = User()
    assignee = Agent(allow_null=True)
    team = TeamShape(allow_null=True)
    priority = serializers.ChoiceField(choices=Conversation.Priority.choices, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    labels = serializers.ListField(child=serializers.CharField())
    custom_attributes = serializers.DictField()
    unread_count = serializers.IntegerField(help_text="Inbound since an agent looked.")
    last_message = LastMessage(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True)
    sequence = serializers.IntegerField(help_text="The number of its latest event.")
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Author(serializers.Serializer[Any]):
    """Who wrote a message."""

    type = serializers.ChoiceField(choices=Message.Source.choices)
    id = serializers.CharField(allow_null=True)
    name = serializers.CharField()


class AttachmentShape(serializers.Serializer[Any]):
    """A file of a message; ``url`` needs no key but cannot be guessed."""

    id = serializers.CharField(help_text="`att_...`")
    type = serializers.ChoiceField(choices=Attachment.Type.choices)
    url = serializers.CharField()
    filename = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes; 0 for a file that is kept elsewhere.")
    details = serializers.DictField(
        help_text="Of a location its `latitude` and `longitude`, of a contact its `phone_numbers` and `emails`; "
        "`state` of a file that is still to be fetched from its provider: `pending`, `ready` or `failed`."
    )


class UploadShape(AttachmentShape):
    """A file that waits for its message."""

    object = serializers.ChoiceField(choices=["attachment"])
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="Until then messages can name it.")


class Failure(serializers.Serializer[Any]):
    """Why a message did not arrive."""

    code = serializers.CharField()
    message = serializers.CharField()
    provider_code = serializers.CharField(allow_null=True, required=False)


class Step(serializers.Serializer[Any]):
    """One step on a message's way."""

    status = serializers.ChoiceField(choices=Message.Status.choices)
    at = serializers.DateTimeField()


class MessageShape(serializers.Serializer[Any]):
    """One thing said, or noted, in a conversation."""

    id = serializers.CharField(help_text="`msg_...`")
    object = serializers.ChoiceField(choices=["message"])
    conversation_id = serializers.CharField()
    user_id = serializers.CharField()
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # DRF's own ``source`` is an argument, not this
        choices=Message.Source.choices
    )
    author = Author()
    message_type = serializers.ChoiceField(choices=Message.Type.choices)
    text = serializers.CharField(allow_null=True)
    attachments = AttachmentShape(many=True)
    payload = serializers.DictField(help_text="The object that `message_type` names; empty for text.")
    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    private = serializers.BooleanField(help_text="Only agents see it.")
    sequence = serializers.IntegerField(help_text="That of the event that made it.")
    client_message_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Message.Status.choices)
    failure = Failure(allow_null=True)
    timeline = Step(many=True)
    livemode = serializers.BooleanField()
    metadata = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ActorShape(serializers.Serializer[Any]):
    """Who made it happen."""

    type = serializers.ChoiceField(choices=ACTORS)
    id = serializers.CharField(allow_null=True)


class EventShape(serializers.Serializer[Any]):
    """Something that happened, with a snapshot of what was true then."""

    id = serializers.CharField(help_text="`evt_...`")
    object = serializers.ChoiceField(choices=["event"])
    type = serializers.ChoiceField(choices=sorted(CATALOGUE))
    livemode = serializers.BooleanField()
    api_version = serializers.CharField()
    timestamp = serializers.DateTimeField()
    sequence = serializers.IntegerField(allow_null=True, help_text="Counts one conversation's events without gaps.")
    conversation_id = serializers.CharField(allow_null=True)
    actor = ActorShape()
    data = serializers.DictField(  # type: ignore[assignment]  # a shape is never filled, it has no ``data``
        help_text="What a webhook receives; `{erased: true}` with ids once it was erased."
    )


class Typing(serializers.Serializer[Any]):
    """What whoever looks at the conversation is shown."""

    object = serializers.ChoiceField(choices=["typing"])
    conversation_id = serializers.CharField()
    is_typing = serializers.BooleanField()


class AiState(serializers.Serializer[Any]):
    """What whoever looks at the conversation is shown."""

    object = serializers.ChoiceField(choices=["ai_state"])
    conversation_id = serializers.CharField()
    state = serializers.ChoiceField(choices=AI_STATES)
    text = serializers.CharField()


class Tombstone(Deleted):
    """Something that is gone."""

    merged_into = serializers.CharField(allow_null=True, help_text="Who a merged user is now.")


class Changes(serializers.Serializer[Any]):
    """Everything that changed since an event, as it stands now, each thing once."""

    object = serializers.ChoiceField(choices=["changes"])
    users = User(many=True)
    conversations = ConversationShape(many=True)
    messages = MessageShape(many=True)
    deleted = Tombstone(many=True, help_text="What is gone: erased or merged people, and what was said with them.")
    latest = serializers.CharField(allow_null=True, help_text="Ask from here next time.")
    has_more = serializers.BooleanField(help_text="Ask again at once.")


class HeldUser(User):
    """A person with the fields other answers leave out."""

    city = serializers.CharField()


class HeldSession(serializers.Serializer[Any]):
    """A place the person writes from."""

    inbox_id = serializers.CharField()
    source_id = serializers.CharField()
    verified = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class HeldConversation(ConversationShape):
    """A conversation with all that was said."""

    messages = MessageShape(many=True)


class Rating(serializers.Serializer[Any]):
    """What the person answered when asked how it went."""

    conversation_id = serializers.CharField()
    rating = serializers.IntegerField()
    feedback = serializers.CharField()
    created_at = serializers.DateTimeField()


class UserExport(serializers.Serializer[Any]):
    """Everything held about one person."""

    object = serializers.ChoiceField(choices=["user_export"])
    livemode = serializers.BooleanField()
    exported_at = serializers.DateTimeField()
    user = HeldUser()
    merged_user_ids = serializers.ListField(child=serializers.CharField())
    sessions = HeldSession(many=True)
    conversations = HeldConversation(many=True)
    ratings = Rating(many=True)
    events = EventShape(many=True)
