"""The webhook engine: delivers whatever is due, for as long as its worker lives."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.conf import settings

from events import ears
from webhooks.services import attending
from webhooks.services.dispatching import Dispatcher
from webhooks.services.hints import CHANNEL
from webhooks.services.settling import Settled

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # there is none for Windows
    from asyncio import new_event_loop

LOOK_SECONDS = 0.1
# When the worker stops: for a claim that is under way, and for what is left to write down.
CLAIM_SECONDS, WRITE_SECONDS = 2.0, 3.0

log = structlog.get_logger(__name__)


class WebhookEngine:
    """An engine of the worker: one event loop that claims, sends and settles."""

    name = "webhooks"

    def run(self, stop: threading.Event) -> None:
        """Deliver until told to stop. Loses nothing when killed at any point."""
        with ThreadPoolExecutor(1, thread_name_prefix="webhook-attending") as attendants:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(_deliver(stop, attendants))
            attendants.submit(attending.leave)


async def _deliver(stop: threading.Event, attendants: ThreadPoolExecutor) -> None:
    def attend(settled: Settled) -> None:
        if settled.asks_for_attention:
            attendants.submit(attending.attend, settled)

    dispatcher = Dispatcher(slots=settings.WEBHOOK_SLOTS, on_settled=attend)
    claiming = asyncio.create_task(dispatcher.claim_forever())
    keeping = asyncio.create_task(dispatcher.keep_ledger())
    listening = asyncio.create_task(ears.listen(CHANNEL, dispatcher.wake))
    tasks = (claiming, keeping, listening)
    try:
        while not (stop.is_set() or any(task.done() for task in tasks)):  # noqa: ASYNC110  a thread tells it to stop
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        listening.cancel()
        dispatcher.stop_claiming()
        await asyncio.wait([claiming], timeout=CLAIM_SECONDS)
        await dispatcher.finish(settings.WEBHOOK_DRAIN_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await dispatcher.close(WRITE_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.result()  # raises what ended it
