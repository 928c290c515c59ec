"""The outbound engine: sends whatever is due to providers, for as long as its worker lives."""

import asyncio
import threading
from collections.abc import Callable

from django.conf import settings

from events import ears
from outbound.services.dispatching import Dispatcher
from outbound.services.hints import CHANNEL

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # there is none for Windows
    from asyncio import new_event_loop

LOOK_SECONDS = 0.1
FEWEST_SLOTS = 5
# When the worker stops: for a claim that is under way, and for what is left to write down.
CLAIM_SECONDS, WRITE_SECONDS = 2.0, 3.0


class OutboundEngine:
    """An engine of the worker: one event loop that claims, sends and settles."""

    name = "outbound"

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop. Loses nothing when killed at any point, and sends nothing twice."""
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_send(stop))


async def _send(stop: threading.Event) -> None:
    dispatcher = Dispatcher(slots=max(FEWEST_SLOTS, settings.OUTBOUND_SLOTS))
    claiming = asyncio.create_task(dispatcher.claim_forever())
    keeping = asyncio.create_task(dispatcher.keep_ledger())
    attending = asyncio.create_task(dispatcher.attend_forever())
    listening = asyncio.create_task(ears.listen(CHANNEL, dispatcher.wake))
    tasks = (claiming, keeping, attending, listening)
    try:
        while not (stop.is_set() or any(task.done() for task in tasks)):  # noqa: ASYNC110  a thread tells it to stop
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        listening.cancel()
        dispatcher.stop_claiming()
        await asyncio.wait([claiming], timeout=CLAIM_SECONDS)
        await dispatcher.finish(settings.OUTBOUND_DRAIN_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await dispatcher.close(WRITE_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.result()  # raises what ended it
