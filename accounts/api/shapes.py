"""What ``/v1/account`` answers, as the API reference describes it."""

from typing import Any

from rest_framework import serializers

from accounts.models import Account, Environment


class Limits(serializers.Serializer[Any]):
    """What the plan allows."""

    requests_per_minute = serializers.IntegerField(help_text="Of each key.")


class Key(serializers.Serializer[Any]):
    """The key that asked."""

    id = serializers.CharField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="How the key begins and ends.")
    scopes = serializers.ListField(child=serializers.CharField(), help_text="Empty: everything.")
    api_version = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class AccountShape(serializers.Serializer[Any]):
    """Whose key this is, and what it opens."""

    object = serializers.ChoiceField(choices=["account"])
    name = serializers.CharField()
    plan = serializers.ChoiceField(choices=Account.Plan.choices)
    environment = serializers.ChoiceField(choices=Environment.Kind.choices)
    livemode = serializers.BooleanField()
    key = Key()
    limits = Limits()
