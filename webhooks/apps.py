"""The app's configuration."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Signed, retried, replayable events to customers' servers."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"
