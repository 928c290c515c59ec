"""The webhook engine: delivers whatever is due, for as long as its worker lives."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from events import dispatching
from webhooks.services import attending
from webhooks.services.dispatching import WebhookDispatcher
from webhooks.services.hints import CHANNEL
from webhooks.services.settling import Settled


class WebhookEngine:
    """An engine of the worker: one event loop that claims, sends and settles."""

    name = "webhooks"

    def run(self, stop: threading.Event) -> None:
        """Deliver until told to stop. Loses nothing when killed at any point."""
        with ThreadPoolExecutor(1, thread_name_prefix="webhook-attending") as attendants:

            def attend(settled: Settled) -> None:
                if settled.asks_for_attention:
                    attendants.submit(attending.attend, settled)

            def make() -> WebhookDispatcher:
                return WebhookDispatcher(slots=settings.WEBHOOK_SLOTS, on_settled=attend)

            dispatching.run(make, stop, channel=CHANNEL, drain_seconds=settings.WEBHOOK_DRAIN_SECONDS)
            attendants.submit(attending.leave)
