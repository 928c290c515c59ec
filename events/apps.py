"""The append-only log of everything that happened, and the relay that tells others."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """``events``"""

    name = "events"
