"""Suppressions, as the API reference describes them."""

from typing import Any

from rest_framework import serializers

from contacts.models import Suppression
from inboxes.models import Inbox


class SuppressionShape(serializers.Serializer[Any]):
    """An address that nothing, or no marketing, is sent to on one channel."""

    id = serializers.CharField(help_text="`sup_...`")
    object = serializers.ChoiceField(choices=["suppression"])
    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    address = serializers.CharField()
    scope = serializers.ChoiceField(choices=Suppression.Scope.choices)
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices)
    detail = serializers.CharField()
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
