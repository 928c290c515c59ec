"""One contact talking to a business through one inbox."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from accounts.models import TenantModel, User
from contacts.models import Contact, ContactSession
from conversations.models.teams import Team
from core import ids
from inboxes.models import Inbox


class ConversationCounter(TenantModel):
    """The last conversation number given out in an environment."""

    value = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment"], name="one_counter_per_environment")]

    def __str__(self) -> str:
        return str(self.value)


class Conversation(TenantModel):
    """
    One contact talking to a business through one inbox.

    ``sequence`` is the number of its latest event, without gaps; whoever writes to the conversation locks its row
    while taking the next one, and that is what keeps everything in order.
    """

    class Status(models.TextChoices):
        """Whose turn it is, roughly."""

        OPEN = "open"
        PENDING = "pending"
        SNOOZED = "snoozed"
        CLOSED = "closed"

    class Priority(models.TextChoices):
        """How much it hurries."""

        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"
        URGENT = "urgent"

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    session = models.ForeignKey(ContactSession, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField(help_text="Counts from 1 in each environment.")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    subject = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="+")
    priority = models.CharField(max_length=10, choices=Priority, null=True, blank=True)
    labels = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    custom_attributes = models.JSONField(default=dict, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    sequence = models.BigIntegerField(default=0)
    unread_count = models.PositiveIntegerField(default=0, help_text="Inbound since an agent looked.")
    contact_last_seen_at = models.DateTimeField(null=True, blank=True)
    agent_last_seen_at = models.DateTimeField(null=True, blank=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    first_reply_at = models.DateTimeField(null=True, blank=True)
    last_activity_at = models.DateTimeField(default=timezone.now)
    last_message_id = models.BigIntegerField(null=True, blank=True)
    last_message_text = models.CharField(max_length=200, blank=True, default="")
    last_message_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "number"], name="one_conversation_per_number")]
        indexes = [
            models.Index(fields=["environment", "id"], name="conversations_of_environment"),
            models.Index(fields=["environment", "contact"], name="conversations_of_contact"),
            models.Index(fields=["environment", "session"], name="conversations_of_session"),
            models.Index(fields=["environment", "status", "id"], name="conversations_by_status"),
            models.Index(fields=["environment", "updated_at"], name="conversations_by_change"),
            models.Index(fields=["snoozed_until"], name="conversations_to_wake", condition=models.Q(status="snoozed")),
            GinIndex(fields=["tags"], name="conversations_by_tag"),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def public_id(self) -> str:
        """``conv_...``"""
        return ids.encode("conv", self.pk)

    @property
    def is_closed(self) -> bool:
        """Whether nobody is working on it."""
        return self.status == self.Status.CLOSED
