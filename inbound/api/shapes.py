"""What the sandbox answers, as the API reference describes it."""

from typing import Any

from rest_framework import serializers


class SimulatedCallbackShape(serializers.Serializer[Any]):
    """A request as the provider would have made it."""

    method = serializers.CharField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField(), help_text="With a signature that holds.")
    body = serializers.CharField()


class SimulatedMessageShape(serializers.Serializer[Any]):
    """What somebody was made to write."""

    id = serializers.CharField(allow_null=True, help_text="`icb_...`, the callback that came in; null on API and web.")
    object = serializers.ChoiceField(choices=["simulated_message"])
    inbox_id = serializers.CharField()
    channel = serializers.CharField()
    message_id = serializers.CharField(
        allow_null=True, help_text="The message, on API and web; elsewhere `message_in` tells of it a moment later."
    )
    callback = SimulatedCallbackShape(allow_null=True, help_text="Secrets are masked.")
    livemode = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        """Name them as the API does: ``from`` is a word of Python's own."""
        sender = serializers.CharField(help_text="In the channel's own words.")
        return {**super().get_fields(), "from": sender}


class ResetCounts(serializers.Serializer[Any]):
    """How many were deleted."""

    users = serializers.IntegerField()
    conversations = serializers.IntegerField()
    messages = serializers.IntegerField()
    callbacks = serializers.IntegerField()
    suppressions = serializers.IntegerField()


class SandboxResetShape(serializers.Serializer[Any]):
    """What a reset came to."""

    object = serializers.ChoiceField(choices=["sandbox_reset"])
    done = serializers.BooleanField(help_text="`false`: there was too much for one request; ask again.")
    deleted = ResetCounts()
    livemode = serializers.BooleanField()
