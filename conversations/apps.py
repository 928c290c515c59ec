"""Conversations and their messages."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """``conversations``"""

    name = "conversations"
