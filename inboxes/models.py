"""Inbox: one address of a business on one channel; how its provider treats it; the templates it may send."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import TenantModel
from core import ids
from core.crypto import EncryptedJSONField, EncryptedTextField

SUNDAY, SATURDAY = 0, 6


def default_working_hours() -> list[dict[str, Any]]:
    """Return nine to five on weekdays; day 0 is Sunday."""
    return [
        {
            "day_of_week": day,
            "closed_all_day": day in {SUNDAY, SATURDAY},
            "open_all_day": False,
            **dict.fromkeys(("open_hour", "open_minutes", "close_hour", "close_minutes"), None),
            **(
                {}
                if day in {SUNDAY, SATURDAY}
                else {"open_hour": 9, "open_minutes": 0, "close_hour": 17, "close_minutes": 0}
            ),
        }
        for day in range(7)
    ]


class Inbox(TenantModel):
    """One address of a business on one channel."""

    class Channel(models.TextChoices):
        """How messages travel."""

        API = "api", "API"
        WEB = "web"
        WHATSAPP = "whatsapp", "WhatsApp"
        TELEGRAM = "telegram"
        SMS = "sms", "SMS"
        EMAIL = "email"
        MESSENGER = "messenger"
        INSTAGRAM = "instagram"
        LINE = "line", "LINE"

    name = models.CharField(max_length=255)
    channel = models.CharField(max_length=20, choices=Channel)
    identifier = models.CharField(
        max_length=24, unique=True, default=ids.new_token, editable=False,
        help_text="Names the inbox in client API paths. Not a secret.",
    )  # fmt: skip
    hmac_token = EncryptedTextField(default=ids.new_token, editable=False)
    previous_hmac_token = EncryptedTextField(blank=True, default="", editable=False)
    previous_hmac_token_until = models.DateTimeField(null=True, blank=True, editable=False)
    hmac_mandatory = models.BooleanField(default=False)
    settings = EncryptedJSONField(default=dict, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    working_hours = models.JSONField(default=default_working_hours)
    working_hours_enabled = models.BooleanField(default=False)
    out_of_office_message = models.TextField(blank=True, default="")
    greeting_enabled = models.BooleanField(default=False)
    greeting_message = models.TextField(blank=True, default="")
    csat_survey_enabled = models.BooleanField(default=False)
    lock_to_single_conversation = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    # Not stored: what only the answer to whoever made it shows.
    shown_once: Mapping[str, str] = MappingProxyType({})

    class Meta:
        verbose_name_plural = "inboxes"
        indexes = [models.Index(fields=["environment", "id"], name="inboxes_of_environment")]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        """``inb_...``"""
        return ids.encode("inb", self.pk)

    @property
    def signing_tokens(self) -> list[str]:
        """The tokens that identities may be signed with now: after a rotation the one before for a while, too."""
        is_kept = self.previous_hmac_token_until is not None and self.previous_hmac_token_until > timezone.now()
        return [self.hmac_token, self.previous_hmac_token] if is_kept else [self.hmac_token]

    @property
    def callback_url(self) -> str:
        """Where its provider calls, if it has one that does."""
        return f"{settings.BASE_URL}/inbound/{self.channel}/{self.identifier}"


class InboxHealth(TenantModel):
    """How an inbox gets on with its provider. Apart from the inbox, so that traffic never locks the inbox's row."""

    class State(models.TextChoices):
        """Whether messages leave."""

        CONNECTED = "connected"
        DISCONNECTED = "disconnected", "Messages wait"

    class CallbackState(models.TextChoices):
        """Whether the provider knows where to call us."""

        NONE = "none", "Nothing to register"
        PENDING = "pending"
        REGISTERED = "registered"
        MANUAL = "manual", "To be entered in the provider's console"
        FAILED = "failed"

    inbox = models.OneToOneField(Inbox, models.CASCADE, primary_key=True, related_name="health")
    state = models.CharField(max_length=12, choices=State, default=State.CONNECTED)
    code = models.CharField(max_length=60, blank=True, default="", help_text="Why it is disconnected.")
    detail = models.CharField(max_length=500, blank=True, default="", help_text="The provider's words.")
    changed_at = models.DateTimeField(default=timezone.now)
    callback_state = models.CharField(max_length=10, choices=CallbackState, default=CallbackState.NONE)
    callback_detail = models.CharField(max_length=500, blank=True, default="")
    callback_attempts = models.PositiveSmallIntegerField(default=0)
    callback_due_at = models.DateTimeField(null=True, blank=True, help_text="When it is to be registered again.")
    last_callback_at = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    mailbox_read_at = models.DateTimeField(null=True, blank=True, help_text="When its mail folder was last read.")
    mailbox_failing_since = models.DateTimeField(null=True, blank=True)
    mailbox_param = models.CharField(max_length=60, blank=True, default="", help_text="The setting to blame.")
    mailbox_detail = models.CharField(max_length=500, blank=True, default="", help_text="The server's words.")

    class Meta:
        verbose_name_plural = "inbox health"
        indexes = [
            models.Index(
                fields=["callback_due_at"],
                name="inboxes_to_register",
                condition=models.Q(callback_due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"of {ids.encode('inb', self.inbox_id)}"


class Template(TenantModel):
    """
    A prepared message: the provider's, kept in step with what it approved, or one of ours that any channel renders.

    ``components`` are ``[{type: header|body|footer|buttons, text, format, buttons}]`` as WhatsApp writes them; the
    variables in their texts are ``{{1}}`` or ``{{name}}``.
    """

    class Category(models.TextChoices):
        """What it is for; authentication and utility hurry."""

        AUTHENTICATION = "authentication"
        UTILITY = "utility"
        MARKETING = "marketing"

    class Status(models.TextChoices):
        """Whether it may be sent."""

        PENDING = "pending", "Waits for the provider"
        APPROVED = "approved"
        REJECTED = "rejected"
        PAUSED = "paused"
        DISABLED = "disabled"

    inbox = models.ForeignKey(
        Inbox, models.CASCADE, null=True, blank=True, related_name="+",
        help_text="Whose provider approved it; none: ours, for every channel that renders templates here.",
    )  # fmt: skip
    name = models.CharField(max_length=512)
    language = models.CharField(max_length=20)
    category = models.CharField(max_length=20, choices=Category)
    status = models.CharField(max_length=10, choices=Status)
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why the provider refused it.")
    components = models.JSONField(default=list)
    external_id = models.CharField(max_length=100, blank=True, default="")
    synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "inbox", "name", "language"], name="one_template_per_name_and_language",
                nulls_distinct=False,
            )
        ]  # fmt: skip
        indexes = [models.Index(fields=["environment", "id"], name="templates_of_environment")]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    @property
    def public_id(self) -> str:
        """``tpl_...``"""
        return ids.encode("tpl", self.pk)
