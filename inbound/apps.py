"""The app's configuration."""

from django.apps import AppConfig


class InboundConfig(AppConfig):
    """What providers tell us."""

    name = "inbound"
    default_auto_field = "django.db.models.BigAutoField"
