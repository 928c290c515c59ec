"""Line: the queue before a provider; Dispatch: a message in it; Attempt: one try at sending it."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import TenantModel
from contacts.models import Contact, ContactSession
from conversations.models import Conversation, Message
from core import ids
from inboxes.models import Inbox

WAITS = models.Q(state="waiting")
SENDING = models.Q(state="sending")
IN_DOUBT = models.Q(state="unknown", resolve_at__isnull=False)
SCHEDULED = models.Q(send_at__isnull=False)
HAS_STEP = models.Q(fallback_at__isnull=False)


class Line(TenantModel):
    """
    The queue in front of one inbox's provider, and whether it moves.

    Apart from the inbox, so that what changes with every message locks nothing that others read.
    """

    inbox = models.OneToOneField(Inbox, models.CASCADE, primary_key=True, related_name="+")
    # When the engine should look at this line again; null: nothing waits.
    next_due_at = models.DateTimeField(null=True, blank=True)
    # Nothing is sent before: the provider asked for it, or its faults did. Set while credentials fail, too.
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=60, blank=True, default="")
    # The circuit is open: the provider refuses our credentials; one message is tried at each probe.
    is_disconnected = models.BooleanField(default=False)
    consecutive_faults = models.PositiveIntegerField(default=0)
    faults_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_due_at"], name="outbound_due", condition=models.Q(next_due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"of {ids.encode('inb', self.inbox_id)}"


class Dispatch(TenantModel):
    """
    A message on its way to a provider; the row is the queue.

    What is said is the message's; what is here is how it gets there. ``address`` with ``inbox`` is the pair whose
    messages leave in the order of their ids, one at a time. A web or API inbox has one only for a message that is
    scheduled, has a chain or was adapted.
    """

    class State(models.TextChoices):
        """Where it stands; the message's own status says the same to people."""

        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"
        CANCELED = "canceled"
        UNKNOWN = "unknown", "Nobody knows whether it was sent"

    class Lane(models.IntegerChoices):
        """What goes first."""

        URGENT = 0
        NORMAL = 1
        BULK = 2

    class Guarantee(models.TextChoices):
        """What happens to a message whose answer was lost and whose provider cannot be asked."""

        AT_MOST_ONCE = "at_most_once"
        AT_LEAST_ONCE = "at_least_once"

    message = models.OneToOneField(Message, models.CASCADE, related_name="dispatch")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="+")
    session = models.ForeignKey(ContactSession, models.CASCADE, related_name="+")
    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="+")
    livemode = models.BooleanField()
    address = models.CharField(max_length=255)
    category = models.CharField(max_length=20, default="transactional")
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.NORMAL)
    guarantee = models.CharField(max_length=15, choices=Guarantee, default=Guarantee.AT_MOST_ONCE)
    retry_key = models.UUIDField(default=uuid.uuid4, editable=False)
    overrides = models.JSONField(default=dict, blank=True)
    mail = models.JSONField(
        default=dict, blank=True, help_text="What only e-mail has: subject, html, cc, bcc, reply_to."
    )
    reply_to = models.CharField(max_length=255, blank=True, default="", help_text="The provider's id that is answered.")
    # What is really sent where the channel cannot say it as it was asked: {type, text, payload}; and what was changed.
    adapted = models.JSONField(null=True, blank=True)
    adaptations = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    send_at = models.DateTimeField(null=True, blank=True)

    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # of the schedule's
    tries = models.PositiveSmallIntegerField(default=0)  # all of them; the last one's ``n``
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    provider_id = models.CharField(max_length=255, blank=True, default="")
    last_code = models.CharField(max_length=60, blank=True, default="")
    last_detail = models.CharField(max_length=500, blank=True, default="")
    # In doubt: when to look it up, or to give up waiting for a receipt that names it.
    resolve_at = models.DateTimeField(null=True, blank=True)
    lookups = models.PositiveSmallIntegerField(default=0)

    # [{channel, inbox_id, after_seconds, on, message_type, ...}]: the rest of the chain, the next step first.
    fallback = models.JSONField(default=list, blank=True)
    fallback_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    fallback_at = models.DateTimeField(null=True, blank=True)  # when the next step is taken for want of a receipt
    fallback_taken_at = models.DateTimeField(null=True, blank=True)
    delivered_via = models.CharField(max_length=20, blank=True, default="")

    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "dispatches"
        constraints = [
            # Order does not hang on the code alone: one message of a pair is on its way at a time.
            models.UniqueConstraint(fields=["inbox", "address"], condition=SENDING, name="one_message_of_a_pair_leaves")
        ]
        indexes = [
            models.Index(fields=["inbox", "lane", "next_attempt_at"], name="outbound_waiting", condition=WAITS),
            models.Index(fields=["inbox", "address", "id"], name="outbound_of_pair", condition=WAITS | SENDING),
            models.Index(fields=["lease_until"], name="outbound_leased", condition=SENDING),
            models.Index(fields=["resolve_at"], name="outbound_in_doubt", condition=IN_DOUBT),
            models.Index(fields=["fallback_at"], name="outbound_falling_back", condition=HAS_STEP),
            models.Index(fields=["expires_at"], name="outbound_expiring", condition=WAITS),
            models.Index(fields=["send_at"], name="outbound_scheduled", condition=WAITS & SCHEDULED),
            models.Index(fields=["environment", "id"], name="outbound_of_environment"),
        ]

    def __str__(self) -> str:
        return f"of {ids.encode('msg', self.message_id)}"


class Attempt(TenantModel):
    """One try at sending a message, and what came of it. An open one whose lease has ended is a send in doubt."""

    class State(models.TextChoices):
        """What came of it."""

        OPEN = "open"
        SENT = "sent"
        DEFERRED = "deferred"
        REJECTED = "rejected"
        UNCERTAIN = "uncertain"

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="made")
    n = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=60, blank=True, default="")
    detail = models.CharField(max_length=500, blank=True, default="")
    provider_code = models.CharField(max_length=60, blank=True, default="")
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    # In sandbox what would have been sent, as the provider would have got it; secrets are masked.
    request = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = "send attempt"
        constraints = [models.UniqueConstraint(fields=["dispatch", "n"], name="one_attempt_per_number")]
        indexes = [
            models.Index(fields=["environment", "id"], name="attempts_of_environment"),
            models.Index(fields=["started_at"], name="attempts_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.n} of {self.dispatch_id}"
