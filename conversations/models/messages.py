"""What is said in conversations, and what hangs on it: files, and answers to surveys."""

from django.db import models
from django.utils import timezone

from accounts.models import TenantModel, User
from contacts.models import Contact
from conversations.models.conversations import Conversation
from core import ids

ATTACHMENTS = "attachments"  # the directory of the storage they are in


class Message(TenantModel):
    """One thing said, noted or done in a conversation. ``sequence`` is that of the event that made it."""

    class Direction(models.TextChoices):
        """From the person, or to them."""

        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class Source(models.TextChoices):
        """Who wrote it."""

        USER = "user"
        AGENT = "agent"
        AI = "ai"
        API = "api"
        SYSTEM = "system"

    class Kind(models.TextChoices):
        """Said by somebody, a note among agents, a trace of something done, or an automatic reply."""

        SPOKEN = "spoken"
        NOTE = "note"
        ACTIVITY = "activity"
        AUTOMATIC = "automatic"

    class Type(models.TextChoices):
        """What it is made of."""

        TEXT = "text"
        MEDIA = "media"
        BUTTON = "button"
        TEMPLATE = "template"

    class Status(models.TextChoices):
        """What became of it."""

        RECEIVED = "received"
        QUEUED = "queued"
        SCHEDULED = "scheduled"
        SENDING = "sending"
        SENT = "sent"
        DELIVERED = "delivered"
        READ = "read"
        FAILED = "failed"
        CANCELED = "canceled"
        UNKNOWN = "unknown"

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    direction = models.CharField(max_length=10, choices=Direction)
    source = models.CharField(max_length=10, choices=Source)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SPOKEN)
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    type = models.CharField(max_length=10, choices=Type, default=Type.TEXT)
    text = models.TextField(null=True, blank=True)
    content_type = models.CharField(max_length=30, default="text")
    content_attributes = models.JSONField(default=dict, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    client_message_id = models.CharField(max_length=255, null=True, blank=True)
    provider_id = models.CharField(max_length=255, null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status)
    failure = models.JSONField(null=True, blank=True)
    timeline = models.JSONField(default=list, help_text="[{status, at}], oldest first.")
    sequence = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "conversation", "client_message_id"],
                name="one_message_per_client_message_id",
                condition=models.Q(client_message_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["environment", "conversation", "id"], name="messages_of_conversation"),
            models.Index(fields=["environment", "id"], name="messages_of_environment"),
            models.Index(
                fields=["environment", "provider_id"], name="messages_of_provider",
                condition=models.Q(provider_id__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.direction} {self.public_id}"

    @property
    def public_id(self) -> str:
        """``msg_...``"""
        return ids.encode("msg", self.pk)

    @property
    def is_private(self) -> bool:
        """Whether only agents may see it."""
        return self.kind == self.Kind.NOTE

    @property
    def is_for_contact(self) -> bool:
        """Whether it is said to, or by, the person on the other side."""
        return self.kind in {self.Kind.SPOKEN, self.Kind.AUTOMATIC}

    @property
    def is_shown_to_contact(self) -> bool:
        """Whether the person on the other side may see it: what waits for its time, or was withdrawn, not."""
        return self.is_for_contact and self.status not in UNSAID


# What the person it is for has not been told, and may never be.
UNSAID = (Message.Status.SCHEDULED, Message.Status.CANCELED)


def attachment_path(attachment: "Attachment", filename: str) -> str:
    """Return where a file is stored: under its tenant, with a name nobody can guess."""
    extension = filename.rpartition(".")[2][:10] if "." in filename else "bin"
    safe = "".join(letter for letter in extension if letter.isascii() and letter.isalnum()) or "bin"
    return f"{ATTACHMENTS}/{attachment.environment_id}/{ids.new_token(32)}.{safe.lower()}"


class Attachment(TenantModel):
    """A file that came or went with a message, or a place, or a card."""

    class Type(models.TextChoices):
        """How a client should show it."""

        IMAGE = "image"
        VIDEO = "video"
        AUDIO = "audio"
        FILE = "file"
        LOCATION = "location"
        CONTACT = "contact"

    message = models.ForeignKey(Message, models.CASCADE, related_name="attachments", null=True)
    type = models.CharField(max_length=10, choices=Type)
    file = models.FileField(upload_to=attachment_path, max_length=255, null=True, blank=True)
    token = models.CharField(max_length=43, unique=True, default=ids.new_token, editable=False)
    filename = models.CharField(max_length=255, blank=True, default="")
    content_type = models.CharField(max_length=100, blank=True, default="")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    external_url = models.CharField(max_length=2048, blank=True, default="")
    details = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["environment", "message"], name="attachments_of_message")]

    def __str__(self) -> str:
        return self.filename or f"attachment {self.pk}"

    @property
    def public_id(self) -> str:
        """``att_...``"""
        return ids.encode("att", self.pk)


class SurveyAnswer(TenantModel):
    """What a person answered when asked how it went (CSAT)."""

    message = models.OneToOneField(Message, models.CASCADE, related_name="survey_answer")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    agent = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    rating = models.PositiveSmallIntegerField(help_text="1 to 5.")
    feedback = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(rating__gte=1, rating__lte=5), name="a_rating_is_from_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.rating}/5"
