"""Inboxes: where conversations come in."""

from django.apps import AppConfig


class InboxesConfig(AppConfig):
    """``inboxes``"""

    name = "inboxes"
