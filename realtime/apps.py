"""The cable: events pushed to browsers and agents."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """``realtime``"""

    name = "realtime"
