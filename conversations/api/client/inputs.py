"""What may be said at the SDK's door."""

from typing import Any

from rest_framework import serializers

from contacts.signing.identities import LONGEST as LONGEST_TOKEN
from conversations.errors import LONGEST_TEXT, MOST_FILES
from core import fields
from core.pagination import LARGEST_PAGE

OTHERS = {"required": False, "allow_null": True, "allow_blank": True}
MESSAGES_A_PAGE = 50


class Attributes(fields.Group):
    """What a page says of its user; what the business's server signed beats it."""

    name = fields.Text(**OTHERS)
    first_name = fields.Text(**OTHERS)
    last_name = fields.Text(**OTHERS)
    email = fields.Text(**OTHERS)
    phone_number = fields.Text(**OTHERS, help_text="In E.164 form.")
    avatar_url = fields.Text(**OTHERS)
    user_type = fields.Text(**OTHERS, help_text="A label of yours, never a role.")
    language = fields.Text(**OTHERS)
    country = fields.Text(**OTHERS)
    city = fields.Text(**OTHERS)
    custom_attributes = fields.Object(required=False, allow_null=True)


class ChangeMe(Attributes):
    """What a page says of its user; what is empty changes nothing."""

    avatar_url = fields.WebAddress(**OTHERS)


class Identity(fields.Group):
    """Proof of who somebody is: a token, or the identifier with its hash."""

    token = fields.Text(required=False, longest=LONGEST_TOKEN, help_text="A JWT that your server signed.")
    identifier = fields.Text(required=False, longest=255, help_text="Your own id of the user.")
    identifier_hash = fields.Text(
        required=False, longest=128, help_text="HMAC-SHA256 of it with the inbox's hmac_token, in hex."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse half of a pair, and two proofs at once."""
        pair = ("identifier", "identifier_hash")
        if "token" in attrs and any(name in attrs for name in pair):
            raise serializers.ValidationError({"token": "A token, or identifier with identifier_hash; not both."})
        if "token" not in attrs and not all(attrs.get(name) for name in pair):
            words = "A token, or identifier with identifier_hash."
            raise serializers.ValidationError({"token": words}, code="required")
        return attrs


class OpenSession(serializers.Serializer[Any]):
    """Where, and who is in front of the page."""

    inbox = fields.Text(required=False, longest=255, help_text="The inbox's identifier.")
    publishable_key = fields.Text(
        required=False, longest=255, help_text="Or a key (`dx_pk_...`) of an environment with one web inbox."
    )
    source_id = fields.Text(required=False, longest=255, help_text="Of the session this device had before.")
    identity = Identity(required=False, allow_null=True)
    attributes = Attributes(required=False, allow_null=True)
    locale = fields.Text(**OTHERS, longest=35)


class Saying(fields.Group):
    """What somebody says."""

    text = fields.Text(**OTHERS, longest=LONGEST_TEXT)
    client_message_id = fields.Text(longest=255, help_text="Your own id of the message: said again, it is kept once.")
    attachment_ids = fields.Items(
        child=fields.Text(longest=80), required=False, max_length=MOST_FILES, help_text="Files that were uploaded."
    )


class Say(Saying):
    """What somebody says in a conversation."""


class Begin(serializers.Serializer[Any]):
    """A new conversation, with its first message if there is one."""

    message = Saying(required=False, allow_null=True)
    subject = fields.Text(**OTHERS, longest=255)
    custom_attributes = fields.Object(required=False)


class ChangeMyConversation(serializers.Serializer[Any]):
    """What a person may change of their conversation."""

    status = fields.Choice(choices=["open", "closed"])


class Typing(serializers.Serializer[Any]):
    """Whether the person is writing."""

    is_typing = fields.Flag()


class Answer(serializers.Serializer[Any]):
    """What was filled into a form, chosen from buttons, or answered to a survey."""

    submitted_values = serializers.JSONField(help_text="A list of answers, or a survey's `csat_survey_response`.")


class ClientUpload(serializers.Serializer[Any]):
    """A file for a message that is sent next."""

    file = fields.File()


class Page(serializers.Serializer[Any]):
    """What a list understands."""

    limit = fields.QueryWhole(required=False, min_value=1, max_value=LARGEST_PAGE)
    cursor = fields.QueryText(required=False, help_text="The `next_cursor` of the page before.")


class MessagesPage(Page):
    """Which messages."""

    after = fields.QueryText(required=False, help_text="A message's id: what was said after it, oldest first.")


class Since(serializers.Serializer[Any]):
    """From where to catch up."""

    since = fields.QueryText(help_text="The `position` of the session, or of the answer before.")
