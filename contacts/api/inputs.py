"""What may be said about addresses that nothing is sent to."""

from typing import Any

from rest_framework import serializers

from contacts.models import Suppression
from contacts.services.suppressions import LONGEST_DETAIL
from core import fields
from core.shapes import PageQuery


class SuppressionsQuery(PageQuery):
    """Which suppressions to list; every filter given has to match."""

    channel = fields.QueryText(required=False)
    address = fields.QueryText(required=False, help_text="As the list shows it.")


class AddSuppression(serializers.Serializer[Any]):
    """An address that nothing is to be sent to."""

    channel = fields.Text(longest=20)
    address = fields.Text(longest=255, help_text="A phone number, an e-mail address or the channel's own id.")
    scope = fields.Choice(
        choices=Suppression.Scope.choices, required=False, default=Suppression.Scope.ALL,
        help_text="`all`, or only what is sent with the category `marketing`.",
    )  # fmt: skip
    detail = fields.Clearable(required=False, longest=LONGEST_DETAIL, help_text="Why, for whoever wonders later.")
