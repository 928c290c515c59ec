"""RawCallback: what a provider sent, as it came; Receival: what was taken from it once; Fetch: a file to be got."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import TenantModel
from contacts.models import Contact
from conversations.models import Attachment, Message
from core import ids
from inboxes.models import Inbox

IS_DUE = models.Q(state="waiting")
SUSPECT_AFTER = 2  # workers that ended, or were ended, with a callback in their hands
IS_SUSPECT = models.Q(begun__gte=SUSPECT_AFTER)


class RawCallback(TenantModel):
    """
    One callback of a provider, genuine and stored before it was answered; handled afterwards.

    Kept 30 days as it came, so that a kind nobody knew then can be read later.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed", "Could not be read"
        QUARANTINED = "quarantined", "Set aside: it ended its workers"

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="+")
    received_at = models.DateTimeField(default=timezone.now)
    method = models.CharField(max_length=6, default="POST")
    url = models.TextField(blank=True, default="")
    headers = models.JSONField(default=dict)
    query = models.JSONField(default=dict)
    body = models.BinaryField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the body, in hex.")
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    begun = models.PositiveSmallIntegerField(
        default=0, help_text="How often in a row it was begun, and its worker ended before it did."
    )
    error = models.CharField(max_length=500, blank=True, default="")
    handled_at = models.DateTimeField(null=True, blank=True)
    contact_ids = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        help_text="Whom it is about; when they are erased, it is too.",
    )
    is_simulated = models.BooleanField(default=False, help_text="Made by the sandbox.")

    class Meta:
        verbose_name = "provider callback"
        indexes = [
            models.Index(fields=["inbox", "next_attempt_at"], name="inbound_waiting", condition=IS_DUE),
            models.Index(fields=["inbox", "next_attempt_at"], name="inbound_suspects", condition=IS_DUE & IS_SUSPECT),
            models.Index(fields=["environment", "id"], name="inbound_of_environment"),
            models.Index(fields=["received_at"], name="inbound_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M:%S}"

    @property
    def public_id(self) -> str:
        """``icb_...``"""
        return ids.encode("icb", self.pk)


class Receival(TenantModel):
    """Something a provider told that was acted on; the unique id is what makes a repeated callback do nothing."""

    class Kind(models.TextChoices):
        """What it was."""

        MESSAGE = "message"
        EDIT = "edit"
        REACTION = "reaction"
        RECEIPT = "receipt"

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    external_id = models.CharField(max_length=500)
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="+")
    message = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["inbox", "kind", "external_id"], name="one_receival_per_external_id")
        ]
        indexes = [models.Index(fields=["created_at"], name="receivals_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class Fetch(TenantModel):
    """A file that came with a message and is still to be got from the provider."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="+")
    attachment = models.OneToOneField(Attachment, models.CASCADE, related_name="+")
    reference = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "fetches"
        indexes = [models.Index(fields=["next_attempt_at"], name="fetches_due", condition=IS_DUE)]

    def __str__(self) -> str:
        return f"of {ids.encode('att', self.attachment_id)}"


class Mailbox(TenantModel):
    """How far an e-mail inbox's IMAP folder has been read."""

    inbox = models.OneToOneField(Inbox, models.CASCADE, primary_key=True, related_name="+")
    uid_validity = models.BigIntegerField(null=True, blank=True)
    last_uid = models.BigIntegerField(default=0)
    next_check_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True, help_text="While somebody looks at it.")
    checked_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name_plural = "mailboxes"
        indexes = [
            models.Index(fields=["next_check_at"], name="mailboxes_due"),
            models.Index(
                fields=["environment"], name="mailboxes_visited", condition=models.Q(leased_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"of {ids.encode('inb', self.inbox_id)}"
