"""Messages that are sent, and channels, as the API reference describes them."""

from typing import Any

from rest_framework import serializers

from conversations.api.v1.shapes import MessageShape
from inboxes.models import Inbox
from outbound.api.inputs import CATEGORIES
from outbound.models import Attempt, Dispatch
from outbound.services.planning import TRIGGERS


class Adaptation(serializers.Serializer[Any]):
    """What was changed because the channel has no form for it."""

    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    text = serializers.CharField(help_text="What is sent now.")


class Warned(serializers.Serializer[Any]):
    """Something that is no reason to refuse, and worth a look."""

    code = serializers.CharField()
    message = serializers.CharField()


class FallbackStepShape(serializers.Serializer[Any]):
    """What is tried next."""

    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    inbox_id = serializers.CharField(allow_null=True)
    on = serializers.ListField(child=serializers.ChoiceField(choices=TRIGGERS))
    after_seconds = serializers.IntegerField(allow_null=True)
    message_type = serializers.CharField()


class WayShape(MessageShape):
    """A message, and where it goes."""

    inbox_id = serializers.CharField()
    recipient_id = serializers.CharField(help_text="Their address on the channel; on web and API inboxes a `usr_` id.")
    category = serializers.ChoiceField(choices=CATEGORIES)
    delivery_guarantee = serializers.ChoiceField(choices=Dispatch.Guarantee.choices)
    send_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    adaptations = Adaptation(many=True)
    fallback = FallbackStepShape(many=True, help_text="The steps that are left.")
    status_url = serializers.CharField()


class AcceptedMessageShape(WayShape):
    """A message that was accepted."""

    warnings = Warned(many=True)
    segments = serializers.IntegerField(required=False, help_text="SMS: how many parts it is sent in.")
    encoding = serializers.CharField(required=False, help_text="SMS: `GSM-7` or `UCS-2`.")


class AttemptShape(serializers.Serializer[Any]):
    """One try at handing a message to the provider."""

    n = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=Attempt.State.choices)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True, help_text="In the provider's words.")
    provider_code = serializers.CharField(allow_null=True)
    http_status = serializers.IntegerField(allow_null=True)


class SentMessageShape(WayShape):
    """A message with what became of it."""

    provider_message_id = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    attempts = AttemptShape(many=True)
    fallback_of = serializers.CharField(allow_null=True, help_text="The message this one was tried after.")
    fallback_message_id = serializers.CharField(allow_null=True, help_text="The message that was tried after this one.")
    delivered_via = serializers.CharField(allow_null=True, help_text="The channel of the chain it arrived by.")


class ValidationShape(serializers.Serializer[Any]):
    """What a request with ``validate_only`` would do."""

    object = serializers.ChoiceField(choices=["validation"])
    valid = serializers.BooleanField()
    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    inbox_id = serializers.CharField()
    recipient_id = serializers.CharField()
    user_id = serializers.CharField(allow_null=True, help_text="Null for somebody new.")
    category = serializers.ChoiceField(choices=CATEGORIES)
    adaptations = Adaptation(many=True)
    warnings = Warned(many=True)
    segments = serializers.IntegerField(required=False)
    encoding = serializers.CharField(required=False)
    livemode = serializers.BooleanField()


class TextLimit(serializers.Serializer[Any]):
    """How long a text can be."""

    max_length = serializers.IntegerField()
    unit = serializers.ChoiceField(choices=["characters", "bytes", "utf16"])


class MediaTypes(serializers.Serializer[Any]):
    """Which files of a kind are taken."""

    content_types = serializers.ListField(child=serializers.CharField(), help_text="Empty: any.")
    max_bytes = serializers.IntegerField(allow_null=True)


class ButtonLimits(serializers.Serializer[Any]):
    """Which buttons there can be."""

    max_replies = serializers.IntegerField()
    max_links = serializers.IntegerField()
    mixed = serializers.BooleanField()
    title_max_length = serializers.IntegerField()
    id_max_bytes = serializers.IntegerField()
    text_max_length = serializers.IntegerField()
    header_max_length = serializers.IntegerField(help_text="0: there is no header.")
    footer_max_length = serializers.IntegerField()


class ConnectedInbox(serializers.Serializer[Any]):
    """One of your inboxes on the channel."""

    id = serializers.CharField()
    name = serializers.CharField()


class ChannelShape(serializers.Serializer[Any]):
    """What can be said on a channel, and by which of your inboxes."""

    object = serializers.ChoiceField(choices=["channel"])
    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    connected = serializers.BooleanField(help_text="You have an inbox there.")
    inboxes = ConnectedInbox(many=True)
    message_types = serializers.ListField(child=serializers.CharField())
    text = TextLimit()
    media = serializers.DictField(child=MediaTypes(), help_text="By kind: image, video, audio, document.")
    media_max_files = serializers.IntegerField()
    caption_max_length = serializers.IntegerField(help_text="0: files go without words.")
    buttons = ButtonLimits()
    templates = serializers.ChoiceField(choices=["provider", "local", "none"])
    recipients = serializers.ListField(child=serializers.CharField(), help_text="phone, email, native, user.")
    receipts = serializers.ListField(child=serializers.CharField(), help_text="What is told after `sent`.")
    window_hours = serializers.IntegerField(allow_null=True, help_text="After these only templates.")
    person_writes_first = serializers.BooleanField()
    livemode = serializers.BooleanField()
