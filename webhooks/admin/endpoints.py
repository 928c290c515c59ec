"""The pages of endpoints, their secrets and health, and of what is sent to them again."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core import crypto, ids
from core.admin import Neighbour, RecordAdmin, as_json, identity, linked
from core.filters import among, by_state
from webhooks import queries
from webhooks.admin.operations import ON_ENDPOINT, ON_REPLAY
from webhooks.admin.states import ENDPOINT_STATES, ERRORS, HEALTH, UNOPENED
from webhooks.models import Attempt, Endpoint, Health, Replay, Secret


@admin.register(Endpoint)
class EndpointAdmin(RecordAdmin):
    """Where customers' servers are told. What custom headers hold stays hidden: they are often passwords."""

    operations = ON_ENDPOINT
    found_by = {"whe": "pk", "inb": "inbox"}
    within = ("inbox",)
    list_display = (identity, "standing", "address", "dialect", linked("inbox"), "created_at")
    neighbours = (Neighbour("Webhook attempts", Attempt, "endpoint_id"),)
    list_filter = (
        by_state("state", ENDPOINT_STATES), "environment__kind", "disabled_reason", "dialect", "captures",
    )  # fmt: skip
    date_hierarchy = "created_at"
    related = ("inbox",)
    search_fields = ("url", "description")
    search_help_text = "A part of the URL or of the description, a whe_… or an inb_… id."
    shown = (
        identity, "url", "description", "standing", "disabled_reason", "dialect", "signature", "events", "inbox",
        "headers", "max_in_flight", "rate_per_second", "capturing", "created_at", "updated_at", "deleted_at",
    )  # fmt: skip

    @admin.display(description="url", ordering="url")
    def address(self, endpoint: Endpoint) -> str:
        """Name it without what follows the question mark, which its own page shows."""
        return str(endpoint)

    @admin.display(description="state", ordering="state")
    def standing(self, endpoint: Endpoint) -> str:
        """Say that it was deleted, whatever state it was in then; and why it is disabled."""
        if endpoint.deleted_at:
            return "Deleted"
        reason = endpoint.get_disabled_reason_display()
        return f"{endpoint.get_state_display()}: {reason.lower()}" if reason else str(endpoint.get_state_display())

    @admin.display(description="captures")
    def capturing(self, endpoint: Endpoint) -> str:
        """Say what that means; most do not, and that is no fault."""
        return "Yes: requests are signed and shown, but not sent" if endpoint.captures else "No"

    @admin.display(description="custom headers")
    def headers(self, endpoint: Endpoint) -> SafeString | str:
        """Name the headers."""
        return as_json(dict.fromkeys(endpoint.custom_headers, crypto.MASK)) if endpoint.custom_headers else "-"


@admin.register(Secret)
class SecretAdmin(RecordAdmin):
    """What deliveries are signed with, by its last four characters."""

    found_by = {"whe": "endpoint"}
    within = ("endpoint",)
    list_display = ("id", linked("endpoint"), "hint", "created_at", "expires_at")
    related = ("endpoint",)
    search_help_text = "A whe_… id."
    shown = ("endpoint", "hint", "created_at", "expires_at")

    @admin.display(description="secret")
    def hint(self, secret: Secret) -> str:
        """Tell it from the others."""
        opened = secret.opened
        return UNOPENED if opened is None else crypto.masked(opened)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Show those that cannot be opened, too."""
        return queries.sealed(super().get_queryset(request))


@admin.register(Health)
class HealthAdmin(RecordAdmin):
    """How endpoints have been doing, and when the engine looks at them next."""

    found_by = {"whe": "endpoint"}
    within = ("endpoint",)
    list_display = ("whose", "failures", "failing_since", "last_error", "rests_until", "next_look")
    list_filter = (by_state("state", HEALTH), among("last_error", *ERRORS))
    search_help_text = "A whe_… id."
    shown = (
        "endpoint", "next_due_at", "hold_until", "resumed_at", "in_flight_cap", "successes_at_cap", "tokens",
        "tokens_at", "consecutive_failures", "failing_since", "last_failure_at", "last_success_at", "last_error",
        "signing_failed_at", "told_stage", "told_failing_at", "told_exhausted_at",
    )  # fmt: skip

    @admin.display(description="endpoint", ordering="endpoint")
    def whose(self, health: Health) -> str:
        """Name the endpoint, in less than its URL takes."""
        return ids.encode("whe", health.endpoint_id)

    @admin.display(description="failures", ordering="consecutive_failures")
    def failures(self, health: Health) -> int:
        """Count those in a row."""
        return health.consecutive_failures

    @admin.display(description="rests until", ordering="hold_until")
    def rests_until(self, health: Health) -> datetime | None:
        """Say until when nothing is sent."""
        return health.hold_until

    @admin.display(description="next look", ordering="next_due_at")
    def next_look(self, health: Health) -> datetime | None:
        """Say when the engine looks at it next."""
        return health.next_due_at


@admin.register(Replay)
class ReplayAdmin(RecordAdmin):
    """What is sent again, and how far that is."""

    operations = ON_REPLAY
    found_by = {"whr": "pk", "whe": "endpoint"}
    within = ("endpoint",)
    list_display = (identity, linked("endpoint"), "kind", "state", "since", "until", "queued", "created_at")
    list_filter = (among("kind", *Replay.Kind.values), among("state", *Replay.State.values))
    related = ("endpoint",)
    search_help_text = "A whr_… or a whe_… id."
    shown = (
        identity, "endpoint", "kind", "state", "since", "until", "cursor", "queued", "created_at", "finished_at",
    )  # fmt: skip
