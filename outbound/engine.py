"""The outbound engine: sends whatever is due to providers, for as long as its worker lives."""

import threading

from django.conf import settings

from events import dispatching
from outbound.services.dispatching import OutboundDispatcher
from outbound.services.hints import CHANNEL

FEWEST_SLOTS = 5


class OutboundEngine:
    """An engine of the worker: one event loop that claims, sends and settles."""

    name = "outbound"

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop. Loses nothing when killed at any point, and sends nothing twice."""

        def make() -> OutboundDispatcher:
            return OutboundDispatcher(slots=max(FEWEST_SLOTS, settings.OUTBOUND_SLOTS))

        dispatching.run(make, stop, channel=CHANNEL, drain_seconds=settings.OUTBOUND_DRAIN_SECONDS)
