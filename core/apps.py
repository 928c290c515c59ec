"""The app that holds no rows: errors, ids, pages, secrets, the wall between tenants."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """``core``"""

    name = "core"
