"""Accounts, their environments, members and keys."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """``accounts``"""

    name = "accounts"
