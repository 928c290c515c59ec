"""The app that holds no rows: errors, ids, pages, secrets, the wall between tenants."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from core import times


class CoreConfig(AppConfig):
    """``core``"""

    name = "core"

    def ready(self) -> None:
        """Say how connections read times."""
        connection_created.connect(times.read_quickly, dispatch_uid="core.times")
