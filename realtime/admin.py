"""What operators see of the cable."""

from django.contrib import admin

from core.admin import RecordAdmin
from realtime.models import HeldBroadcast


@admin.register(HeldBroadcast)
class HeldBroadcastAdmin(RecordAdmin):
    """Pushes that wait for Redis; the worker sends them once it answers."""

    found_by = {"evt": "event_id"}
    list_display = ("event_id", "held_at")
    search_help_text = "An evt_… id."
    shown = ("event_id", "held_at")
