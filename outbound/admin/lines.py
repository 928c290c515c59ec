"""The pages of the queues before providers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

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
        "whose", linked("inbox"), "standing", "paused_until", "faults", "next_due_at",
    )  # fmt: skip
    list_filter = (by_state("state", STATES),)
    related = ("inbox",)
    search_help_text = "An inb_… id."
    shown = (
        "inbox", "standing", "next_due_at", "paused_until", "faults", "faults_since",
    )  # fmt: skip

    @admin.display(description="line", ordering="inbox")
    def whose(self, line: Line) -> str:
        """Name the inbox."""
        return ids.encode("inb", line.inbox_id)

    @admin.display(description="standing")
    def standing(self, line: Line) -> SafeString | str:
        """Say whether it moves, and why not."""
        is_resting = line.paused_until is not None and line.paused_until > timezone.now()
        if not line.is_disconnected and not is_resting:
            return "Moves"
        word = "cut off" if line.is_disconnected else "rests"
        return format_html('<span class="badge warn">{}</span> {}', word, line.pause_reason)

    @admin.display(description="faults in a row", ordering="consecutive_faults")
    def faults(self, line: Line) -> int:
        """Count its provider's faults since something got through."""
        return line.consecutive_faults
