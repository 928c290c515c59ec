"""The pages of templates."""

from django.contrib import admin

from core.admin import RecordAdmin, identity, linked, pretty
from core.filters import among
from inboxes.models import Template


@admin.register(Template)
class TemplateAdmin(RecordAdmin):
    """Messages prepared before: a provider's, or ours."""

    found_by = {"tpl": "pk", "inb": "inbox"}
    within = ("inbox",)
    list_display = (identity, "name", "language", "category", "status", linked("inbox"), "synced_at")
    list_filter = (
        among("status", *Template.Status.values), among("category", *Template.Category.values), "language",
    )  # fmt: skip
    related = ("inbox",)
    search_fields = ("=name",)
    search_help_text = "A whole name, a tpl_… or an inb_… id."
    shown = (
        identity, "name", "language", "category", "status", "reason", "inbox", pretty("components"), "external_id",
        "synced_at", "created_at", "updated_at",
    )  # fmt: skip
