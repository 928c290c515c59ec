"""Shapes that answers of every endpoint share, as the API reference describes them."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from core import fields
from core.pagination import DEFAULT_PAGE, LARGEST_PAGE


class PageQuery(serializers.Serializer[Any]):
    """What every list understands."""

    limit = fields.QueryWhole(
        required=False, min_value=1, max_value=LARGEST_PAGE,
        help_text=f"How many, 1 to {LARGEST_PAGE}; {DEFAULT_PAGE} unless told.",
    )  # fmt: skip
    cursor = fields.QueryText(required=False, help_text="The `next_cursor` of the page before.")
    include = fields.Choice(
        choices=["total"], required=False, help_text="`total` adds how many there are in all; it costs time."
    )


class Deleted(serializers.Serializer[Any]):
    """What is left of a thing that was deleted: its name."""

    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()


class Problem(serializers.Serializer[Any]):
    """One thing wrong with one field."""

    field = serializers.CharField(help_text="The path of the field: `user.tags.0`.")
    code = serializers.CharField()
    message = serializers.CharField()
    limit = serializers.IntegerField(required=False, help_text="The limit that was passed, where there is one.")
    actual = serializers.IntegerField(required=False, help_text="How much of it there was, where that was counted.")


class ErrorDetails(serializers.Serializer[Any]):
    """What went wrong, for programs (`code`) and for people (`message`)."""

    type = serializers.ChoiceField(
        choices=[
            "invalid_request",
            "authentication",
            "permission",
            "not_found",
            "conflict",
            "rate_limit",
            "unavailable",
            "internal",
        ]
    )
    code = serializers.CharField(help_text="Stable; the reference lists them.")
    message = serializers.CharField()
    param = serializers.CharField(allow_null=True, help_text="The first field that is wrong.")
    request_id = serializers.CharField(allow_null=True, help_text="Name it when you ask for help.")
    errors = Problem(  # type: ignore[assignment]  # only the class has ``errors``, a shape is never filled
        many=True, help_text="Every field that is wrong; empty unless the status is 422."
    )


class Error(serializers.Serializer[Any]):
    """Every answer that is not a success."""

    error = ErrorDetails()


def listed(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the shape of a list of these that is always whole."""
    return inline_serializer(f"{shape.__name__.removesuffix('Shape')}List", {"data": shape(many=True)})


def page_of(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the shape of a page of these."""
    return inline_serializer(
        f"{shape.__name__.removesuffix('Shape')}Page",
        {
            "data": shape(many=True),
            "has_more": serializers.BooleanField(),
            "next_cursor": serializers.CharField(allow_null=True),
            "total": serializers.IntegerField(required=False, help_text="Only with `include=total`."),
        },
    )
