"""The composition root: connects events to handlers, and the worker to its engines, when a process starts."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps

from dexra import celery, engines, production
from events import bus


class DexraConfig(AppConfig):
    """``dexra``"""

    name = "dexra"

    def ready(self) -> None:
        """Say who is told about what and what the worker runs; refuse unsafe settings in production."""
        # Models can be imported only once every app is loaded.
        from conversations.services import staffing  # noqa: PLC0415
        from dexra import wiring  # noqa: PLC0415
        from inboxes.services import followers, postbox, refusals  # noqa: PLC0415

        production.refuse_unsafe()
        celery.app.set_default()  # tasks asked for from any process go to this broker
        bus.subscribe(wiring.SUBSCRIPTIONS)
        followers.employ(wiring.INBOX_FOLLOWERS)
        staffing.employ(wiring.HEADCOUNT)
        postbox.employ(wiring.CALLBACK_DOOR)
        refusals.employ(wiring.REFUSALS)
        engines.employ(wiring.engines)


class OperatorsAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site as the default one, so that every app registers with ``admin.site``."""

    default = False  # it stands for django.contrib.admin, not for this package
    default_site = "dexra.operators.OperatorsSite"
