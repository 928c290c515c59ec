"""What may be asked of the sandbox."""

import base64
import binascii
from typing import Any

from rest_framework import serializers

from conversations.errors import LONGEST_TEXT
from core import fields

LONGEST_CONTENT = 700_000  # in base64; the body of a request has 1 MiB


class Base64(fields.Text):
    """Bytes, in base64."""

    default_error_messages = {"not_base64": "This is base64."}

    def to_internal_value(self, data: Any) -> bytes:  # type: ignore[override]  # a text outside, bytes inside
        """Return the bytes."""
        try:
            return base64.b64decode(super().to_internal_value(data), validate=True)
        except (binascii.Error, ValueError):
            self.fail("not_base64")


class SimulatedFile(fields.Group):
    """A file: a provider tells where it is (``url``), a mail brings it along (``content``)."""

    type = fields.Choice(choices=["image", "video", "audio", "document"])
    url = fields.WebAddress(required=False, longest=2048)
    content = Base64(required=False, longest=LONGEST_CONTENT, help_text="Base64; on the e-mail channel only.")
    filename = fields.Text(required=False, longest=200)
    content_type = fields.Text(required=False, longest=100)


class SimulatedPress(fields.Group):
    """A button of a message of yours that is pressed."""

    id = fields.Text(longest=1000)
    title = fields.Text(required=False, longest=200, help_text="As on the last message with such a button.")


class SimulatedPlace(fields.Group):
    """A place that is shared; degrees."""

    latitude = fields.Number(min_value=-90, max_value=90)
    longitude = fields.Number(min_value=-180, max_value=180)
    name = fields.Text(required=False, longest=200)
    address = fields.Text(required=False, longest=200)


class SimulatedMessage(serializers.Serializer[Any]):
    """What somebody writes: text, a file with or without text, a button or a place."""

    inbox_id = fields.Text(required=False, longest=40)
    channel = fields.Text(required=False, longest=20, help_text="Instead, where it has exactly one inbox.")
    sender = fields.Text(
        longest=255, help_text="Who writes, in the channel's own words; on API and web inboxes a `source_id`."
    )
    name = fields.Text(required=False, longest=255, help_text="What they are called, where the channel tells names.")
    text = fields.Text(required=False, longest=LONGEST_TEXT)
    subject = fields.Text(required=False, longest=255, help_text="Of an e-mail.")
    media = SimulatedFile(required=False)
    button = SimulatedPress(required=False)
    location = SimulatedPlace(required=False)
    reply_to = fields.Text(required=False, longest=40, help_text="The `msg_` id of the message that is answered.")

    def get_fields(self) -> dict[str, Any]:
        """Name them as the API does: ``from`` is a word of Python's own."""
        return {"from" if name == "sender" else name: field for name, field in super().get_fields().items()}


class ResetSandbox(serializers.Serializer[Any]):
    """A word to be sure."""

    confirm = fields.Flag(help_text="`true`.")

    def validate_confirm(self, is_sure: bool) -> bool:  # noqa: FBT001  as DRF calls it
        """Refuse whoever is not sure."""
        if not is_sure:
            raise serializers.ValidationError("Nothing is deleted unless this is true.", code="not_confirmed")
        return is_sure
