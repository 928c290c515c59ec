"""The pages of the queues before providers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils import timezone

from core import ids
from core.admin import RecordAdmin, linked
from core.filters import by_state
from outbound.admin.operations import ON_LINE
from outbound.models import Line


def _paused(lines: QuerySet[Any]) -> QuerySet[Any]:
    return lines.filter(paused_until__gt=timezone.now())


STATES = {
    "waiting": ("With something to send", lambda lines: lines.filter(next_due_at__isnull=False)),
    "paused": ("Paused", _paused),
    "disconnected": ("Disconnected", lambda lines: lines.filter(is_disconnected=True)),
    "faulty": ("Failing lately", lambda lines: lines.filter(consecutive_faults__gt=0)),
}


@admin.register(Line)
class LineAdmin(RecordAdmin):
    """The queue before each inbox's provider, and whether it moves."""

    operations = ON_LINE
    found_by = {"inb": "inbox"}
    within = ("inbox",)
    list_display = (
        "whose", linked("inbox"), "is_disconnected", "paused_until", "pause_reason", "consecutive_faults",
        "next_due_at",
    )  # fmt: skip
    list_filter = (by_state("state", STATES),)
    related = ("inbox",)
    search_help_text = "An inb_… id."
    shown = (
        "inbox", "next_due_at", "is_disconnected", "paused_until", "pause_reason", "consecutive_faults", "faults_since",
    )  # fmt: skip

    @admin.display(description="line", ordering="inbox")
    def whose(self, line: Line) -> str:
        """Name the inbox."""
        return ids.encode("inb", line.inbox_id)
