"""What may be said about an inbox."""

from typing import Any

from rest_framework import serializers

from core import fields
from inboxes import channels
from inboxes.models import SATURDAY, SUNDAY


def clock(highest: int) -> fields.Whole:
    """Return the field of a clock's hand; null where the day is closed or open throughout."""
    return fields.Whole(min_value=0, max_value=highest, allow_null=True, default=None)


class WorkingDay(fields.Group):
    """When an inbox works on one day of the week."""

    day_of_week = fields.Whole(min_value=SUNDAY, max_value=SATURDAY, help_text="0 is Sunday.")
    closed_all_day = fields.Flag(default=False)
    open_all_day = fields.Flag(default=False)
    open_hour = clock(23)
    open_minutes = clock(59)
    close_hour = clock(23)
    close_minutes = clock(59)


class ChangeInbox(serializers.Serializer[Any]):
    """What can be changed about an inbox; ``settings`` are merged key by key."""

    name = fields.Text(required=False, longest=255)
    settings = fields.Object(
        required=False,
        help_text="What the channel needs (docs/channels); null clears one. The provider is asked whether they work.",
    )
    hmac_mandatory = fields.Flag(required=False, help_text="Refuse people who cannot prove who they are.")
    time_zone = fields.Text(required=False, longest=64, help_text="An IANA name such as Africa/Casablanca.")
    working_hours = fields.Items(child=WorkingDay(), required=False, max_length=7)
    working_hours_enabled = fields.Flag(required=False)
    out_of_office_message = fields.Clearable(required=False, longest=5000)
    greeting_enabled = fields.Flag(required=False)
    greeting_message = fields.Clearable(required=False, longest=5000)
    csat_survey_enabled = fields.Flag(required=False)
    lock_to_single_conversation = fields.Flag(required=False)

    def validate_working_hours(self, days: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse a day that is there twice."""
        if len({day["day_of_week"] for day in days}) < len(days):
            raise serializers.ValidationError("Each day of the week is there once.", code="duplicate")
        return days


class CreateInbox(ChangeInbox):
    """A new inbox."""

    name = fields.Text(longest=255)
    channel = fields.Choice(choices=list(channels.REGISTRY))
