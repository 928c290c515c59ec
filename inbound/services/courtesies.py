"""What a provider likes to hear after a callback: that a button's spinner may stop, for instance. Best effort."""

import queue
import threading
from dataclasses import replace

import structlog

from inbound.services.reading import Job, as_callback
from inboxes import channels
from inboxes.channels.outgoing import HttpOrder
from inboxes.transport import http

MOST_WAITING = 200
SECONDS = 5.0

log = structlog.get_logger(__name__)
_waiting: "queue.Queue[HttpOrder]" = queue.Queue(MOST_WAITING)
_lock = threading.Lock()
_threads: list[threading.Thread] = []


def follow_up(job: Job) -> None:
    """Make the calls that a handled callback asks for, from another thread; none of the sandbox's."""
    if job.problem or not job.inbox.environment.livemode or job.row.is_simulated:
        return
    try:
        orders = channels.find(job.inbox.channel).follow_up(as_callback(job.row), job.inbox.settings)
        for order in orders:
            _waiting.put_nowait(order)
    except queue.Full:
        log.warning("courtesy_left_out", callback_id=job.row.public_id)
    except Exception:
        log.exception("courtesy_not_made", callback_id=job.row.public_id)
    else:
        if orders:
            _begin()


def _begin() -> None:
    with _lock:
        if not _threads or not _threads[0].is_alive():
            _threads[:] = [threading.Thread(target=_call_forever, name="inbound-courtesies", daemon=True)]
            _threads[0].start()


def _call_forever() -> None:
    while True:
        order = _waiting.get()
        http.ask(replace(order, seconds=min(order.seconds, SECONDS)), livemode=True)
