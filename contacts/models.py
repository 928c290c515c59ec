"""Contact: a person on the other side; ContactSession: one place they write from; Suppression: who wants no more."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import TenantModel
from core import ids
from inboxes.models import Inbox


class Contact(TenantModel):
    """
    A person (``user`` in the public API).

    ``external_id`` is the customer's own name for them. After erasure the row stays as a tombstone with nothing
    personal in it, so that a backup or an import cannot bring the person back unseen; after a merge ``merged_into``
    says who they are now.
    """

    external_id = models.CharField(max_length=255, null=True, blank=True)
    former_external_id = models.CharField(
        max_length=255, null=True, blank=True, help_text="What the customer called them before a merge."
    )
    name = models.CharField(max_length=255, blank=True, default="")
    first_name = models.CharField(max_length=255, blank=True, default="")
    last_name = models.CharField(max_length=255, blank=True, default="")
    email = models.CharField(max_length=255, null=True, blank=True)
    phone_number = models.CharField(max_length=16, null=True, blank=True)
    avatar_url = models.CharField(max_length=2048, blank=True, default="")
    user_type = models.CharField(max_length=60, blank=True, default="")
    language = models.CharField(max_length=35, blank=True, default="")
    country = models.CharField(max_length=60, blank=True, default="")
    city = models.CharField(max_length=120, blank=True, default="")
    custom_attributes = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    verified = models.BooleanField(default=False, help_text="Somebody signed for this identity.")
    blocked = models.BooleanField(default=False)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    last_activity_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint("environment", "external_id", name="one_contact_per_external_id"),
            models.UniqueConstraint("environment", Lower("email"), name="one_contact_per_email"),
            models.UniqueConstraint("environment", "phone_number", name="one_contact_per_phone_number"),
        ]
        indexes = [
            models.Index(fields=["environment", "id"], name="contacts_of_environment"),
            models.Index(fields=["environment", "former_external_id"], name="contacts_by_former_id"),
            GinIndex(fields=["tags"], name="contacts_by_tag"),
        ]

    def __str__(self) -> str:
        return self.name or self.public_id

    @property
    def public_id(self) -> str:
        """``usr_...``"""
        return ids.encode("usr", self.pk)

    @property
    def is_gone(self) -> bool:
        """Whether only a tombstone is left."""
        return self.erased_at is not None or self.merged_into_id is not None


class ContactSession(TenantModel):
    """
    One place a contact writes from: a browser, an app, a phone number.

    ``source_id`` is the credential of the client API, ``pubsub_token`` that of the cable. A verified session has
    proved whose it is and sees all the contact's conversations that no provider carries.
    """

    class Dialect(models.TextChoices):
        """The shapes in which it is told what happens."""

        CHATWOOT = "chatwoot"
        DEXRA = "dexra"

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="sessions")
    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="+")
    source_id = models.CharField(max_length=255)
    pubsub_token = models.CharField(max_length=64, unique=True, default=ids.new_token, editable=False)
    verified = models.BooleanField(default=False)
    dialect = models.CharField(
        max_length=10,
        choices=Dialect,
        default=Dialect.CHATWOOT,
        db_default=Dialect.CHATWOOT,  # sessions that the release before opens while this one is rolled out
        editable=False,
        help_text="What it is told on the cable in: Dexra's own words, or Chatwoot's.",
    )
    last_inbound_at = models.DateTimeField(
        null=True, blank=True, help_text="When the person last wrote from here; opens a channel's 24-hour window."
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "inbox", "source_id"], name="one_session_per_source_id"),
        ]
        indexes = [models.Index(fields=["environment", "contact"], name="sessions_of_contact")]

    def __str__(self) -> str:
        return f"session {self.pk}"

    @property
    def wants_proof(self) -> bool:
        """Whether its ``source_id`` alone opens nothing, at any door: it was proved, by a client of our own."""
        return self.verified and self.dialect == self.Dialect.DEXRA


class Suppression(TenantModel):
    """
    An address nothing may be sent to, on one channel: its owner said so, or the provider.

    It is about the address, not the person: it outlives the contact, and holds for whoever has that address.
    """

    class Scope(models.TextChoices):
        """What is not sent."""

        ALL = "all", "Anything"
        MARKETING = "marketing"

    class Reason(models.TextChoices):
        """Why."""

        STOP_WORD = "stop_word", "They wrote STOP"
        UNSUBSCRIBED = "unsubscribed", "They unsubscribed"
        PROVIDER = "provider", "The provider said so"
        BLOCKED = "blocked", "They blocked the business"
        BOUNCED = "bounced", "The address does not exist"
        COMPLAINED = "complained", "They complained of spam"
        OPERATOR = "operator", "Entered by hand"

    channel = models.CharField(max_length=20, choices=Inbox.Channel)
    address = models.CharField(max_length=255, help_text="As the channel writes it; e-mail addresses in lower case.")
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.ALL)
    reason = models.CharField(max_length=20, choices=Reason)
    detail = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "channel", "address", "scope"], name="one_suppression_per_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.address}"

    @property
    def public_id(self) -> str:
        """``sup_...``"""
        return ids.encode("sup", self.pk)
