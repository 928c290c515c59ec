"""Accounts, environments, people who work there, the keys their servers use, and what they changed."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from core import ids
from core.crypto import EncryptedJSONField


class Account(models.Model):
    """A business that uses Dexra."""

    class Plan(models.TextChoices):
        """What a business pays for; sets how many requests a minute each of its keys may make."""

        STARTER = "starter"
        PRO = "pro"
        ENTERPRISE = "enterprise"

    name = models.CharField(max_length=255)
    plan = models.CharField(max_length=20, choices=Plan, default=Plan.STARTER)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Account"]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Environment(models.Model):
    """
    One of an account's two worlds, and the tenant: every row of a customer belongs to exactly one.

    Sandbox is walled off from live exactly as one account is from another.
    """

    class Kind(models.TextChoices):
        """Where messages really go out, and where they never do."""

        LIVE = "live"
        SANDBOX = "sandbox"

    account = models.ForeignKey(Account, models.CASCADE, related_name="environments")
    kind = models.CharField(max_length=10, choices=Kind)

    objects: ClassVar[models.Manager["Environment"]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "kind"], name="one_environment_of_each_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.account} ({self.kind})"

    @property
    def livemode(self) -> bool:
        """Whether what happens here reaches real people."""
        return self.kind == self.Kind.LIVE


class TenantModel(models.Model):
    """
    A row that belongs to one environment of one account.

    There is deliberately no ``objects``: code reaches rows through ``Model.of(environment)``, and the rare query
    across tenants has to say ``unscoped`` out loud. PostgreSQL holds the same line below (``core/tenancy.py``).
    """

    environment = models.ForeignKey(Environment, models.CASCADE, related_name="+")

    unscoped: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True

    @classmethod
    def of(cls, environment: Environment) -> "models.QuerySet[Self]":
        """Return the rows of this environment."""
        rows: models.QuerySet[Self] = cls.unscoped.filter(environment=environment)
        return rows


class UserManager(BaseUserManager["User"]):
    """Makes users; their e-mail address is their login."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person; without a password they cannot log in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an operator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who works in one or more accounts (an agent); operators are users with ``is_staff``."""

    class Availability(models.TextChoices):
        """What an agent says of themselves."""

        ONLINE = "online"
        BUSY = "busy"
        OFFLINE = "offline"

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=255, blank=True)
    display_name = models.CharField(max_length=255, blank=True)
    avatar_url = models.URLField(max_length=2048, blank=True)
    availability = models.CharField(max_length=10, choices=Availability, default=Availability.ONLINE)
    pubsub_token = models.CharField(max_length=64, unique=True, default=ids.new_token, editable=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May use the operators' admin, which sees every account.")
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_user_per_email_in_any_case")]

    def __str__(self) -> str:
        return self.email

    @property
    def available_name(self) -> str:
        """The name customers see."""
        return self.display_name or self.name or self.email.partition("@")[0]

    @property
    def public_id(self) -> str:
        """``agt_...``"""
        return ids.encode("agt", self.pk)


class Membership(models.Model):
    """One person's place in one account."""

    class Role(models.TextChoices):
        """What a member may do: agents answer, admins set up, owners also hold the account."""

        OWNER = "owner"
        ADMIN = "admin"
        AGENT = "agent"

    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.AGENT)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Membership"]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="one_membership_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} of {self.account}"


class ApiKey(TenantModel):
    """
    A credential of a customer's server (secret) or browser (publishable); the key alone chooses the environment.

    Only its hash is kept. ``replaced_by`` and ``expires_at`` make rolling with overlap: the old key goes on until
    it expires.
    """

    class Kind(models.TextChoices):
        """Whose hands a key may be in."""

        SECRET = "sk"  # noqa: S105  a kind, not a secret
        PUBLISHABLE = "pk"

    kind = models.CharField(max_length=2, choices=Kind)
    name = models.CharField(max_length=255, blank=True)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=40, help_text="The prefix and the last four characters.")
    scopes = ArrayField(models.CharField(max_length=40), default=list, blank=True, help_text="Empty: everything.")
    api_version = models.CharField(max_length=10)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["environment", "id"], name="keys_of_environment")]

    def __str__(self) -> str:
        return self.hint

    @property
    def public_id(self) -> str:
        """``key_...``"""
        return ids.encode("key", self.pk)

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether the key opens anything at that moment."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > moment)


class IdempotencyKey(TenantModel):
    """The first answer to a request that carried ``Idempotency-Key``; written with the request's effect."""

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    request_digest = models.BinaryField(max_length=32)
    status_code = models.PositiveSmallIntegerField()
    body = EncryptedJSONField(help_text="Sealed: an answer may show a secret this once.")
    mentions = ArrayField(models.CharField(max_length=40), default=list, help_text="The public ids in the answer.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "api_key", "key"], name="one_answer_per_idempotency_key"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_keys_by_age")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class AuditEntry(TenantModel):
    """One administrative change: who, what, when, from where. Never changed afterwards."""

    actor_type = models.CharField(max_length=20)
    actor = models.CharField(max_length=254, help_text="An e-mail address, a key's hint, or a process.")
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120)
    changes = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["environment", "-id"], name="audit_of_environment")]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"
