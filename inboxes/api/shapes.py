"""The inbox, as the API reference describes it."""

from typing import Any

from rest_framework import serializers

from inboxes.models import Inbox, InboxHealth


class WorkingHours(serializers.Serializer[Any]):
    """When an inbox works on one day of the week."""

    day_of_week = serializers.IntegerField(help_text="0 is Sunday.")
    closed_all_day = serializers.BooleanField()
    open_all_day = serializers.BooleanField()
    open_hour = serializers.IntegerField(allow_null=True)
    open_minutes = serializers.IntegerField(allow_null=True)
    close_hour = serializers.IntegerField(allow_null=True)
    close_minutes = serializers.IntegerField(allow_null=True)


class CallbackShape(serializers.Serializer[Any]):
    """Whether the provider knows where to call us."""

    state = serializers.ChoiceField(choices=InboxHealth.CallbackState.choices)
    detail = serializers.CharField(allow_null=True, help_text="Why the provider refused it, in its words.")


class MailboxShape(serializers.Serializer[Any]):
    """How it is with the folder that an e-mail inbox's mail is fetched from."""

    state = serializers.ChoiceField(
        choices=["pending", "connected", "failing"], help_text="`pending` until it was looked at for the first time."
    )
    code = serializers.CharField(
        allow_null=True,
        help_text="Why it cannot be read: `channel_auth_failed`, `invalid_settings` or `provider_unavailable`.",
    )
    param = serializers.CharField(allow_null=True, help_text="The setting to blame, if one is.")
    detail = serializers.CharField(allow_null=True, help_text="The server's words.")
    advice = serializers.CharField(allow_null=True, help_text="What to do about it.")
    failing_since = serializers.DateTimeField(allow_null=True)
    last_read_at = serializers.DateTimeField(allow_null=True, help_text="When all was well for the last time.")


class HealthShape(serializers.Serializer[Any]):
    """How an inbox gets on with its provider."""

    state = serializers.ChoiceField(choices=InboxHealth.State.choices)
    code = serializers.CharField(allow_null=True, help_text="Why it is disconnected: `channel_auth_failed`.")
    detail = serializers.CharField(allow_null=True, help_text="The provider's words.")
    changed_at = serializers.DateTimeField()
    callback = CallbackShape()
    mailbox = MailboxShape(allow_null=True, help_text="Null where no folder is read, and in the sandbox.")
    last_callback_at = serializers.DateTimeField(allow_null=True)
    last_sent_at = serializers.DateTimeField(allow_null=True)


class InboxShape(serializers.Serializer[Any]):
    """One address of a business on one channel."""

    id = serializers.CharField()
    object = serializers.ChoiceField(choices=["inbox"])
    name = serializers.CharField()
    channel = serializers.ChoiceField(choices=Inbox.Channel.choices)
    identifier = serializers.CharField(help_text="Names the inbox in client API paths. Not a secret.")
    callback_url = serializers.CharField(allow_null=True, help_text="What a provider calls; null for API and web.")
    settings = serializers.DictField(help_text="The channel's own; secrets are masked.")
    health = HealthShape(allow_null=True, help_text="How it gets on with its provider; null for API and web.")
    webhook_endpoint_id = serializers.CharField(
        required=False, help_text="The endpoint that `webhook_url` made; only in the answer that makes it."
    )
    webhook_secret = serializers.CharField(
        required=False, help_text="Signs what is sent to `webhook_url`; shown this once."
    )
    hmac_mandatory = serializers.BooleanField()
    hmac_token = serializers.CharField(required=False, help_text="Signs identities; only on API and web inboxes.")
    time_zone = serializers.CharField()
    working_hours = WorkingHours(many=True)
    working_hours_enabled = serializers.BooleanField()
    out_of_office_message = serializers.CharField()
    greeting_enabled = serializers.BooleanField()
    greeting_message = serializers.CharField()
    csat_survey_enabled = serializers.BooleanField()
    lock_to_single_conversation = serializers.BooleanField()
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
