"""Inbox: one address of a business on one channel."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

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
