"""What is on its way to endpoints, every attempt to deliver it, and what is sent again."""

from django.db import models
from django.utils import timezone

from accounts.models import TenantModel
from core import ids
from webhooks.models.endpoints import Endpoint

# What the claim looks through, and nothing else: the partial indexes stay as small as the work there is.
WAITS = models.Q(state="pending")
LEASED = models.Q(state="delivering")
URGENT = models.Q(state="pending", trigger__in=("manual", "test", "rehearsal"))  # somebody waits for it
# What people look for among millions that arrived. Rows come here by failing, so that what arrives pays nothing for it.
FAILED = models.Q(state__in=["exhausted", "canceled", "quarantined"])
HAS_ENDED = models.Q(finished_at__isnull=False)


class Body(TenantModel):
    """
    What is said about one event in one dialect: the very bytes that are signed and sent, kept once for everybody.

    A dialect may say two things about one event, each with a ``type`` of its own: the name receivers know it by.
    Partitioned by the day of ``event_at``. Emptied when the person it is about is erased.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.BigIntegerField()
    event_at = models.DateTimeField()
    dialect = models.CharField(max_length=10, choices=Endpoint.Dialect)
    type = models.CharField(max_length=60)
    conversation_id = models.BigIntegerField(null=True)
    contact_id = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField(null=True)
    content = models.BinaryField()

    class Meta:
        db_table = "webhooks_body"
        verbose_name_plural = "bodies"

    def __str__(self) -> str:
        return f"{self.type} {ids.encode('evt', self.event_id)}"


class Delivery(TenantModel):
    """
    One event on its way to one endpoint; the row is the queue.

    ``attempts`` counts what the schedule allowed; attempts somebody asked for (``extra``) come on top: the row is
    pending until they are made, then goes back to ``returns_to`` and ``returns_at`` unless one of them arrived.
    """

    class State(models.TextChoices):
        """Where it stands. A pending one whose endpoint is paused or disabled is shown as ``held``."""

        PENDING = "pending"
        DELIVERING = "delivering"
        DELIVERED = "delivered"
        EXHAUSTED = "exhausted"
        CANCELED = "canceled"
        QUARANTINED = "quarantined"

    class Canceled(models.TextChoices):
        """Why it is not to be made any more."""

        OPERATOR = "operator", "An operator canceled it"
        PERSON_ERASED = "person_erased", "The person it is about was erased"
        ENDPOINT_DELETED = "endpoint_deleted", "Its endpoint was deleted"
        ENDPOINT_GONE = "endpoint_gone", "Its endpoint answered 410"
        TYPE_UNWANTED = "type_unwanted", "Its endpoint no longer wants this type"
        SKIPPED = "skipped", "What was held was skipped when its endpoint was resumed"
        HELD_TOO_LONG = "held_too_long", "It was held for more than 72 hours"
        BODY_GONE = "body_gone", "What was to be sent is no longer kept"

    class Trigger(models.TextChoices):
        """Why an attempt is made."""

        AUTO = "auto", "Schedule"
        MANUAL = "manual", "Resent"
        RECOVER = "recover", "Recovered"
        REPLAY = "replay", "Replayed"
        TEST = "test", "Test event"
        REHEARSAL = "rehearsal", "Sandbox rehearsal"

    class Rehearsal(models.TextChoices):
        """What a sandbox delivery does on purpose; one attempt, and never again."""

        DUPLICATE = "duplicate"
        REORDER = "reorder"
        DELAY = "delay"
        BAD_SIGNATURE = "bad_signature"
        STALE_TIMESTAMP = "stale_timestamp"

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, models.DO_NOTHING, db_constraint=False, related_name="+")
    event_id = models.BigIntegerField()
    event_at = models.DateTimeField()
    type = models.CharField(max_length=60)
    conversation_id = models.BigIntegerField(null=True)
    livemode = models.BooleanField()
    rehearsal = models.CharField(max_length=20, choices=Rehearsal, blank=True, default="")
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    canceled_reason = models.CharField(max_length=20, choices=Canceled, blank=True, default="")  # the last one
    trigger = models.CharField(max_length=10, choices=Trigger, default=Trigger.AUTO)  # of the next attempt
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # of the schedule's
    tries = models.PositiveSmallIntegerField(default=0)  # all of them; the last one's ``n``
    claims = models.PositiveSmallIntegerField(default=0)  # since the last attempt that was written down
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    extra = models.PositiveSmallIntegerField(default=0)
    returns_to = models.CharField(max_length=12, choices=State, blank=True, default="")
    returns_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "endpoint", "type"],
                condition=models.Q(rehearsal=""),
                name="one_delivery_of_an_event",
            )
        ]
        indexes = [
            models.Index(fields=["endpoint", "next_attempt_at"], name="webhooks_pending", condition=WAITS),
            models.Index(fields=["endpoint", "next_attempt_at"], name="webhooks_urgent", condition=URGENT),
            models.Index(fields=["endpoint", "lease_until"], name="webhooks_leased", condition=LEASED),
            models.Index(fields=["finished_at"], name="webhooks_finished", condition=HAS_ENDED),
            models.Index(fields=["environment", "id"], name="webhooks_deliveries"),
            models.Index(fields=["endpoint", "id"], name="webhooks_of_endpoint"),
            models.Index(fields=["environment", "id"], name="webhooks_failed", condition=FAILED),
            models.Index(fields=["event_id"], name="webhooks_rehearsals", condition=~models.Q(rehearsal="")),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"

    @property
    def public_id(self) -> str:
        """``whd_...``"""
        return ids.encode("whd", self.pk)


class Attempt(TenantModel):
    """One request that was made, and what came back. Only ever added to; partitioned by the day of ``sent_at``."""

    id = models.BigAutoField(primary_key=True)
    delivery_id = models.BigIntegerField()
    endpoint_id = models.BigIntegerField()
    event_id = models.BigIntegerField()
    n = models.PositiveSmallIntegerField()
    trigger = models.CharField(max_length=10, choices=Delivery.Trigger)
    sent_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    url = models.TextField()
    status_code = models.PositiveSmallIntegerField(null=True)
    error_class = models.CharField(max_length=40, blank=True, default="")
    error_detail = models.CharField(max_length=200, blank=True, default="")
    remote_ip = models.CharField(max_length=45, blank=True, default="")
    request_headers = models.JSONField(default=dict)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True, default="")

    class Meta:
        db_table = "webhooks_attempt"
        verbose_name = "webhook attempt"

    def __str__(self) -> str:
        return f"{self.n} of {ids.encode('whd', self.delivery_id)}"


class Replay(TenantModel):
    """A range of events that is sent to an endpoint again, a few at a time beside what is new."""

    class Kind(models.TextChoices):
        """Which of the range's events are meant."""

        RECOVER = "recover", "What failed"
        REPLAY = "replay", "All of it"

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "running"
        DONE = "done"
        CANCELED = "canceled"

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    since = models.DateTimeField()
    until = models.DateTimeField()
    cursor = models.BigIntegerField(default=0)  # the last delivery or event that was queued
    queued = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "webhook replay"
        indexes = [models.Index(fields=["state"], name="webhooks_replays", condition=models.Q(state="running"))]

    def __str__(self) -> str:
        return f"{self.kind} of {ids.encode('whe', self.endpoint_id)}"

    @property
    def public_id(self) -> str:
        """``whr_...``"""
        return ids.encode("whr", self.pk)
