"""What may be asked of the sandbox's outbox, and what it shows."""

from typing import Any

from rest_framework import serializers

from conversations.models import Message
from core import fields
from core.shapes import PageQuery
from inboxes.models import Inbox
from outbound.models import Attempt


class OutboxQuery(PageQuery):
    """Which entries to list; every filter given has to match."""

    channel = fields.Choice(choices=Inbox.Channel.choices, required=False)
    inbox_id = fields.QueryText(required=False)
    recipient_id = fields.QueryText(required=False, help_text="The address on the channel, in the channel's own words.")
    message_id = fields.QueryText(required=False)


class OutboxRequestShape(serializers.Serializer[Any]):
    """A request as the provider would have got it; secrets are masked."""

    method = serializers.CharField(help_text="Of a mail `MAIL`.")
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    body = serializers.CharField(help_text="The very text; of a mail its plain words. At most 64 KiB are kept.")
    html = serializers.CharField(allow_null=True, help_text="Of a mail.")
    attachments = serializers.ListField(child=serializers.CharField(), help_text="Of a mail: the names of its files.")


class OutboxOutcomeShape(serializers.Serializer[Any]):
    """What came of one attempt."""

    state = serializers.ChoiceField(choices=Attempt.State.choices)
    code = serializers.CharField(allow_null=True, help_text="As in a message's `failure`.")
    detail = serializers.CharField(allow_null=True, help_text="The provider's words.")
    provider_code = serializers.CharField(allow_null=True)


class OutboxEntryShape(serializers.Serializer[Any]):
    """One attempt that was made nowhere."""

    id = serializers.CharField(help_text="`out_...`")
    object = serializers.ChoiceField(choices=["outbox_entry"])
    message_id = serializers.CharField()
    inbox_id = serializers.CharField()
    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    recipient_id = serializers.CharField()
    n = serializers.IntegerField(help_text="Counts the attempts of a message.")
    sent_at = serializers.DateTimeField()
    request = OutboxRequestShape()
    outcome = OutboxOutcomeShape()
    provider_message_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Message.Status.choices, help_text="What became of the message since.")
    livemode = serializers.BooleanField()
