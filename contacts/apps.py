"""Contacts: the people on the other side."""

from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """``contacts``"""

    name = "contacts"
