"""The pages of accounts, environments, people, keys, and what was done."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils import timezone

from accounts.admin.operations import ON_ACCOUNT, ON_ACCOUNTS, ON_ENVIRONMENT, ON_KEY, ON_MEMBERSHIP, ON_PERSON
from accounts.models import Account, ApiKey, AuditEntry, Environment, IdempotencyKey, Membership, User
from core.admin import Neighbour, RecordAdmin, identity, linked, pretty
from core.filters import among, by_state
from events.models import LoggedEvent

# Who may do what here is said by two flags of the person; groups and their permissions would say nothing.
admin.site.unregister(Group)


@admin.register(Account)
class AccountAdmin(RecordAdmin):
    """Businesses."""

    operations = ON_ACCOUNT
    list_operations = ON_ACCOUNTS
    list_display = ("name", "plan", "created_at")
    list_filter = ("plan",)
    date_hierarchy = "created_at"
    search_fields = ("name", "memberships__user__email")
    search_help_text = "A name, or a member's e-mail address."
    shown = ("name", "plan", "created_at")


@admin.register(Environment)
class EnvironmentAdmin(RecordAdmin):
    """The tenants."""

    operations = ON_ENVIRONMENT
    within = ("account",)
    neighbours = (Neighbour("Events", LoggedEvent, "environment_id"),)
    list_display = ("id", linked("account"), "kind")
    list_filter = ("kind",)
    related = ("account",)
    search_fields = ("account__name",)
    search_help_text = "An account's name."
    shown = ("id", "account", "kind")


@admin.register(Membership)
class MembershipAdmin(RecordAdmin):
    """Who works where."""

    operations = ON_MEMBERSHIP
    within = ("account", "user")
    list_display = ("id", linked("user", "person"), linked("account"), "role", "created_at")
    list_filter = ("role",)
    related = ("user", "account")
    search_fields = ("user__email", "user__name", "account__name")
    search_help_text = "A person's name or e-mail address, or an account's name."
    shown = ("user", "account", "role", "created_at")


@admin.register(User)
class UserAdmin(RecordAdmin):
    """People who log in."""

    operations = ON_PERSON
    found_by = {"agt": "pk"}
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    date_hierarchy = "created_at"
    search_fields = ("email", "name", "display_name")
    search_help_text = "An e-mail address, a name, or an agt_… id."
    shown = (
        "email", "name", "display_name", "avatar_url", "availability",
        "is_active", "is_staff", "is_superuser", "last_login", "created_at",
    )  # fmt: skip


def _shut(keys: QuerySet[Any]) -> QuerySet[Any]:
    return keys.exclude(revoked_at=None) | keys.filter(expires_at__lte=timezone.now())


KEY_STATES = {
    "open": ("Works", lambda keys: keys.exclude(pk__in=_shut(keys).values("pk"))),
    "shut": ("Revoked or expired", _shut),
}


@admin.register(ApiKey)
class ApiKeyAdmin(RecordAdmin):
    """Keys, by their hints: the keys themselves are not kept."""

    operations = ON_KEY
    found_by = {"key": "pk"}
    list_display = (identity, "hint", "name", "kind", "works", "last_used_at", "expires_at")
    list_filter = (by_state("state", KEY_STATES), "kind")
    search_fields = ("hint", "name")
    search_help_text = "The last four characters, a name, or a key_… id."
    shown = (
        identity, "hint", "works", "kind", "name", "scopes", "api_version", "created_by", "created_at",
        "last_used_at", "expires_at", "revoked_at", "replaced_by",
    )  # fmt: skip

    @admin.display(boolean=True)
    def works(self, key: ApiKey) -> bool:
        """Whether it opens anything now."""
        return key.is_valid_at(timezone.now())


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(RecordAdmin):
    """Requests that were made with an idempotency key; the stored answers may hold secrets and stay hidden."""

    within = ("api_key",)
    list_display = ("id", "key", "method", "path", "status_code", linked("api_key", "API key"), "created_at")
    related = ("api_key",)
    search_fields = ("=key",)
    search_help_text = "The whole idempotency key."
    shown = ("key", "method", "path", "status_code", "api_key", "created_at")


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """Who changed what."""

    list_display = ("at", "action", "target", "actor", "actor_type", "ip")
    list_filter = (among("actor_type", "agent", "api", "operator", "system"),)
    search_fields = ("=actor", "=target", "=action", "=request_id", "ip")
    search_help_text = "A whole e-mail address, target, action, request id or IP address."
    shown = ("at", "action", "target", pretty("changes"), "actor", "actor_type", "ip", "request_id")
