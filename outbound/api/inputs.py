"""What may be asked of messages that are sent."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conversations.api.v1.inputs import Buttons, Media, Template
from conversations.errors import LONGEST_TEXT
from conversations.models import Message
from core import fields
from core.metadata import Metadata
from inboxes import channels
from outbound.models import Dispatch
from outbound.services.planning import SAYS, TRIGGERS

CATEGORIES = ("transactional", "authentication", "utility", "marketing")
SHORTEST_WAIT, LONGEST_WAIT = 10, 72 * 3600
MOST_STEPS = 5
MOST_COPIES = 50
LONGEST_ADDRESS = 320


class Mail(fields.Group):
    """What only e-mail has."""

    subject = fields.Text(required=False, longest=255, help_text="Needed where no conversation with a subject goes on.")
    html = fields.Text(required=False, longest=LONGEST_TEXT, help_text="The same for those who see HTML.")
    cc = fields.Words(required=False, most=MOST_COPIES, longest=LONGEST_ADDRESS)
    bcc = fields.Words(required=False, most=MOST_COPIES, longest=LONGEST_ADDRESS)
    reply_to = fields.Text(required=False, longest=LONGEST_ADDRESS)


@extend_schema_field({"type": "string", "maxLength": LONGEST_TEXT})
class Words(fields.Speech):
    """Text whose length is judged with the rest: its channel may take less than is ever taken."""


class OutgoingMedia(Media):
    """A file somewhere on the web, or one that was uploaded before: it has a ``url`` or an ``attachment_id``."""

    caption = Words(required=False, allow_blank=True)


class OutgoingButtons(Buttons):
    """A question with buttons below it."""

    text = Words()


class AnyTemplate(Template):
    """A text that was prepared before: one that a provider has approved, or one of ours."""

    language = fields.Text(required=False, longest=35, help_text="May be left out where there is only one.")


class Overrides(fields.Object):
    """Objects by channel."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuse what is no object, within it too."""
        found = super().to_internal_value(data)
        wrong = [channel for channel, given in found.items() if not isinstance(given, Mapping)]
        if wrong:
            raise serializers.ValidationError({channel: [self.error_messages["invalid"]] for channel in wrong})
        return found


class Content(fields.Group):
    """What to say, and where; the object that ``message_type`` names has to be there, and no other."""

    inbox_id = fields.Text(required=False, longest=40, help_text="May be left out where the channel has one inbox.")
    text = Words(required=False)
    media = OutgoingMedia(required=False)
    button = OutgoingButtons(required=False)
    template = AnyTemplate(required=False)
    email = Mail(required=False, help_text="Beside the text, on the e-mail channel.")
    category = fields.Choice(
        choices=CATEGORIES, required=False,
        help_text="`authentication` and `utility` hurry, `marketing` waits. A template brings its own.",
    )  # fmt: skip
    overrides = Overrides(
        required=False, help_text='The provider\'s own fields by channel, merged over ours: `{"whatsapp": {}}`.'
    )
    on_unsupported = fields.Choice(
        choices=["reject", "adapt"], required=False,
        help_text="What a channel has no form for is refused, or said in the nearest form (`adaptations` tells).",
    )  # fmt: skip


class FallbackStep(Content):
    """What is tried next; what is left out is as in the message itself."""

    channel = fields.Text(longest=20)
    recipient_id = fields.Text(required=False, longest=LONGEST_ADDRESS, help_text="The same person unless told.")
    message_type = fields.Choice(choices=Message.Type.choices, required=False)
    after_seconds = fields.Whole(
        required=False, min_value=SHORTEST_WAIT, max_value=LONGEST_WAIT,
        help_text="Taken when nobody told by then that the message arrived.",
    )  # fmt: skip
    on = fields.Items(
        child=fields.Choice(choices=TRIGGERS), required=False, min_length=1,
        help_text="`failed`, `undelivered`, `expired`, `window_closed`; `no_delivery` with `after_seconds`.",
    )  # fmt: skip


class OutgoingMessage(Content):
    """A message to somebody, on a channel."""

    hinges: ClassVar[dict[str, str]] = {**dict.fromkeys(SAYS[1:], "message_type"), "email": "fallback"}

    recipient_id = fields.Text(
        longest=LONGEST_ADDRESS,
        help_text="A phone number (`+212600000001`), an e-mail address, a `usr_` id, your own id, or the channel's.",
    )
    channel = fields.Text(
        longest=20, help_text="`whatsapp`, `sms`, `telegram`, `email`, `web`, ...: `GET /v1/channels`."
    )
    message_type = fields.Choice(choices=Message.Type.choices, required=False, default=Message.Type.TEXT)
    fallback = fields.Items(
        child=FallbackStep(),
        required=False,
        max_length=MOST_STEPS,
        help_text="What is tried in turn if this does not arrive.",
    )
    conversation_id = fields.Text(required=False, longest=40, help_text="Where to say it; else where they were last.")
    reply_to = fields.Text(required=False, longest=40, help_text="The `msg_` id of the message that is answered.")
    send_at = fields.Moment(required=False, help_text="Not before; at most 30 days ahead.")
    expires_at = fields.Moment(
        required=False, help_text="No attempt begins after it. In 24 hours unless told; `authentication`: 10 minutes."
    )
    delivery_guarantee = fields.Choice(
        choices=Dispatch.Guarantee.choices, required=False,
        help_text="If the provider's answer is lost, `at_most_once` risks no second copy, `at_least_once` does.",
    )  # fmt: skip
    client_message_id = fields.Text(
        required=False, longest=255, help_text="Your own id: the same one with the same words within a day is a retry."
    )
    metadata = Metadata(required=False, help_text="Up to 50 notes of your own; returned in events, never sent.")
    validate_only = fields.Flag(required=False, default=False, help_text="Check everything, and send nothing.")


class ChannelsQuery(serializers.Serializer[Any]):
    """Which channels to list."""

    channel = fields.Choice(choices=list(channels.REGISTRY), required=False, help_text="Only this one.")
