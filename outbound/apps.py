"""The app's configuration."""

from django.apps import AppConfig


class OutboundConfig(AppConfig):
    """Messages on their way to providers."""

    name = "outbound"
    default_auto_field = "django.db.models.BigAutoField"
