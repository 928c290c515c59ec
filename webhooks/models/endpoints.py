"""Endpoints of customers' servers, what they sign with, and how they have been doing."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import TenantModel
from core import ids
from core.crypto import EncryptedJSONField, EncryptedTextField, decrypt
from inboxes.models import Inbox

MOST_IN_FLIGHT = 10
HAS_WORK = models.Q(next_due_at__isnull=False)  # what the engine looks through, and nothing else


class Endpoint(TenantModel):
    """A URL of a customer that wants to be told what happens in one environment."""

    class State(models.TextChoices):
        """Whether it is told; what happens meanwhile is kept for it."""

        ACTIVE = "active"
        PAUSED = "paused"
        DISABLED = "disabled"

    class Reason(models.TextChoices):
        """Why it is disabled."""

        MANUAL = "manual", "Switched off by hand"
        GONE = "gone", "It answered 410"
        FAILING = "failing", "It failed for days"

    class Dialect(models.TextChoices):
        """How bodies and signatures are written."""

        DEXRA = "dexra"
        CHATWOOT = "chatwoot"

    class Signature(models.TextChoices):
        """How bodies in our own dialect are signed (Standard Webhooks)."""

        HMAC = "v1", "HMAC-SHA256"
        ED25519 = "v1a", "Ed25519"

    # The API inbox whose ``webhook_url`` this is; null for one that was made by itself.
    inbox = models.OneToOneField(Inbox, models.CASCADE, null=True, blank=True, related_name="+")
    url = models.TextField()
    events = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Empty: all of them.")
    description = models.CharField(max_length=255, blank=True, default="")
    dialect = models.CharField(max_length=10, choices=Dialect, default=Dialect.DEXRA)
    signature = models.CharField(max_length=3, choices=Signature, default=Signature.HMAC)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    disabled_reason = models.CharField(max_length=10, choices=Reason, blank=True, default="")
    custom_headers = EncryptedJSONField(default=dict, blank=True)
    max_in_flight = models.PositiveSmallIntegerField(default=MOST_IN_FLIGHT)
    rate_per_second = models.FloatField(null=True, blank=True)
    # Sandbox only: requests are made, signed and shown, but not sent.
    captures = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "webhook endpoint"
        indexes = [models.Index(fields=["environment", "id"], name="webhooks_endpoints")]

    def __str__(self) -> str:
        return self.url.partition("?")[0]  # what follows is often a token

    @property
    def public_id(self) -> str:
        """``whe_...``"""
        return ids.encode("whe", self.pk)

    @property
    def is_told(self) -> bool:
        """Whether deliveries leave now, rather than wait."""
        return self.state == self.State.ACTIVE and self.deleted_at is None


class Secret(TenantModel):
    """What an endpoint's deliveries are signed with; while a rotation lasts there are several."""

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="secrets")
    # whsec_ and base64 of 32 bytes, or whsk_ and base64 of an Ed25519 seed and its public key.
    secret = EncryptedTextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "webhook secret"

    def __str__(self) -> str:
        return f"of {ids.encode('whe', self.endpoint_id)}"

    @property
    def opened(self) -> str | None:
        """What it says; None when no key of ours opens it, which only rows of ``queries.sealed`` can tell."""
        sealed = vars(self).get("sealed")
        try:
            return self.secret if sealed is None else decrypt(sealed)
        except ValueError:
            return None


class Health(TenantModel):
    """
    How an endpoint has been doing. Apart from the endpoint, so that what changes with every delivery never locks the
    row that fan-out reads.
    """

    endpoint = models.OneToOneField(Endpoint, models.CASCADE, primary_key=True, related_name="health")
    # When the engine should look at this endpoint again; null: nothing waits.
    next_due_at = models.DateTimeField(null=True, blank=True)
    # Nothing is sent before: the endpoint asked for it (Retry-After), or failed too often in a row.
    hold_until = models.DateTimeField(null=True, blank=True)
    in_flight_cap = models.PositiveSmallIntegerField(default=MOST_IN_FLIGHT)  # additive increase, halved when slow
    successes_at_cap = models.PositiveSmallIntegerField(default=0)
    resumed_at = models.DateTimeField(null=True, blank=True)  # what was held is given its time from then on
    # Tokens of the endpoint's own rate, and when they were counted.
    tokens = models.FloatField(default=0)
    tokens_at = models.DateTimeField(null=True, blank=True)
    consecutive_failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=40, blank=True, default="")
    signing_failed_at = models.DateTimeField(null=True, blank=True)  # our fault: a secret could not be opened
    # How far its people were told that it fails: 0 not at all, then at the start, on day 3, when disabled.
    told_stage = models.PositiveSmallIntegerField(default=0)
    mailed_stage = models.PositiveSmallIntegerField(default=0)  # the same, by e-mail
    told_failing_at = models.DateTimeField(null=True, blank=True)
    told_exhausted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "health"
        indexes = [models.Index(fields=["next_due_at"], name="webhooks_due", condition=HAS_WORK)]

    def __str__(self) -> str:
        return f"of {ids.encode('whe', self.endpoint_id)}"
