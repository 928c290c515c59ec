"""
The inbound engine: handles what providers tell, for as long as its worker lives.

One thread takes up callbacks, inbox by inbox, and hands them to a few others, so that a file that takes its time holds
up its own sender's next words and nothing else. Killed at any point it loses nothing and doubles nothing: what was not
finished is still there, and what was done left a row that says so.
"""

import queue
import threading
import time
from contextlib import suppress

import structlog
from django.db import Error as DatabaseFailure
from django.db import connection, connections

from core import tenancy
from events.hints import Ear
from inbound.models import RawCallback
from inbound.services import claims, courtesies, handling, hints, metrics
from inbound.services.lanes import Lanes
from inbound.services.reading import Job, read
from inboxes.services import health

HANDS = 6
POLL_SECONDS = 0.25
REST_SECONDS = 1.0
JOIN_SECONDS = 20.0
MOST_IN_FLIGHT = 400
NOTED_SECONDS = 30.0  # how often it is noted that an inbox's provider calls

log = structlog.get_logger(__name__)
Task = list[Job]


class InboundEngine:
    """An engine of the worker; see the module's text."""

    name = "inbound"

    def __init__(self, hands: int = HANDS) -> None:
        self._hands = hands
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # of the three that follow
        self._lanes = Lanes()
        self._in_flight: dict[int, Job] = {}
        self._cut_short: set[int] = set()  # callbacks that came to no end through no fault of theirs
        self._owned: set[int] = set()
        self._noted: dict[int, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Handle callbacks until told to stop. Loses nothing when killed at any point."""
        self._stopped.clear()
        threads = [threading.Thread(target=self._work, name=f"inbound-{n}", daemon=True) for n in range(self._hands)]
        threads.append(threading.Thread(target=self._listen, name="inbound-ear", daemon=True))
        for thread in threads:
            thread.start()
        try:
            while not stop.is_set():
                self._wake.wait(POLL_SECONDS)
                self._wake.clear()
                self._step()
        finally:
            self._end(threads)

    def drain(self) -> int:
        """Handle what is due now in this thread and return how many callbacks that was (for tests and shells)."""
        total = 0
        while taken := self._take():
            total += taken
            while not self._tasks.empty():
                self._carry_out(self._tasks.get() or [])
        self._disown_idle()
        return total

    def _end(self, threads: list[threading.Thread]) -> None:
        self._stopped.set()
        for _ in range(self._hands):
            self._tasks.put(None)
        until = time.monotonic() + JOIN_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        with suppress(DatabaseFailure):
            claims.give_back([*self._in_flight, *self._cut_short])
        self._forget()
        connection.close()

    def _forget(self) -> None:
        """Drop what was taken up and not begun: it is still there for whoever takes it up next."""
        with self._lock:
            self._lanes, self._in_flight, self._owned = Lanes(), {}, set()
        metrics.in_flight.set(0)

    def _step(self) -> None:
        """Take up whatever is due and there is room for."""
        try:
            while self._take() and len(self._in_flight) < MOST_IN_FLIGHT:
                pass
            self._disown_idle()
        except DatabaseFailure as failure:
            log.warning("inbound_without_database", error=type(failure).__name__)
            connection.close()  # its locks are gone with it
            self._owned.clear()
            time.sleep(POLL_SECONDS)

    def _take(self) -> int:
        """Take up a batch; returns how many callbacks that was."""
        _see_everyone()
        self._give_back()
        with self._lock:
            in_flight, is_alone = (
                list(self._in_flight),
                any(claims.is_alone(job.row) for job in self._in_flight.values()),
            )
        if is_alone:
            return 0
        due = claims.waiting(in_flight)
        self._owned |= claims.own([pk for pk in due if pk not in self._owned])
        rows = self._next([pk for pk in due if pk in self._owned], in_flight)
        for row in rows:
            self._note_call(row.inbox_id)
        self._hand_out([read(row, row.inbox) for row in rows if row.begun <= claims.MOST_BEGUN])
        return len(rows)

    def _next(self, inbox_ids: list[int], in_flight: list[int]) -> list[RawCallback]:
        """Take up what is due; what ended workers before goes first and alone, once everything else is through."""
        suspect = claims.suspect(inbox_ids, in_flight)
        if suspect is None:
            return claims.take(inbox_ids, in_flight)
        rows = [] if in_flight else claims.take_alone(suspect)
        for row in rows:
            if row.begun > claims.MOST_BEGUN:
                handling.set_aside(row)
        return rows

    def _give_back(self) -> None:
        """Write down of callbacks that were cut short that nothing was wrong with them. Raises Error."""
        with self._lock:
            cut_short = set(self._cut_short)
        claims.give_back(cut_short)
        with self._lock:
            self._cut_short -= cut_short

    def _hand_out(self, jobs: list[Job]) -> None:
        receipts = [job for job in jobs if job.is_receipts_only]
        with self._lock:
            self._in_flight |= {job.row.pk: job for job in jobs}
            ready = [job for job in jobs if not job.is_receipts_only and self._lanes.enter(job)]
        metrics.in_flight.set(len(self._in_flight))
        for job in ready:
            self._tasks.put([job])
        if receipts:
            self._tasks.put(receipts)

    def _work(self) -> None:
        """Carry out tasks until there are no more; one thread of several."""
        try:
            while (task := self._tasks.get()) is not None and not self._stopped.is_set():
                self._carry_out(task)
        finally:
            connections.close_all()

    def _carry_out(self, task: Task) -> None:
        """Handle callbacks and let go of them, whatever comes of it."""
        try:
            _see_everyone()
            if task and task[0].is_receipts_only:
                handling.handle_receipts(task)
            else:
                for job in task:
                    handling.handle(job)
                    courtesies.follow_up(job)
        except DatabaseFailure as failure:
            log.warning("inbound_without_database", error=type(failure).__name__)
            connection.close()
            self._note_cut_short(task, failure)
            self._stopped.wait(REST_SECONDS)  # they are taken up again
        except Exception:
            log.exception("inbound_task_failed", callbacks=[job.row.public_id for job in task])
            self._stopped.wait(REST_SECONDS)
        finally:
            self._let_go(task)

    def _note_cut_short(self, task: Task, failure: DatabaseFailure) -> None:
        """What fails while the database is there counts against them: else they would be taken up for ever."""
        if isinstance(failure, handling.AWAY):
            with self._lock:
                self._cut_short |= {job.row.pk for job in task}

    def _let_go(self, task: Task) -> None:
        with self._lock:
            following = []
            for job in task:
                # Those that the engine has forgotten meanwhile are somebody else's now.
                if self._in_flight.pop(job.row.pk, None) is not None and not job.is_receipts_only:
                    following += self._lanes.leave(job)
        metrics.in_flight.set(len(self._in_flight))
        for job in following:
            self._tasks.put([job])
        if len(self._in_flight) < MOST_IN_FLIGHT:
            self._wake.set()

    def _disown_idle(self) -> None:
        """Let other workers have the inboxes that nothing is in flight of."""
        with self._lock:
            busy = {job.inbox.pk for job in self._in_flight.values()}
        idle = self._owned - busy
        claims.disown(idle)
        self._owned -= idle

    def _note_call(self, inbox_id: int) -> None:
        now = time.monotonic()
        if now - self._noted.get(inbox_id, -NOTED_SECONDS) >= NOTED_SECONDS:
            self._noted[inbox_id] = now
            health.called(inbox_id)

    def _listen(self) -> None:
        ear = Ear(hints.CHANNEL)
        try:
            while not self._stopped.is_set():
                ear.wait(POLL_SECONDS)
                self._wake.set()
        finally:
            ear.close()


def _see_everyone() -> None:
    """Let this thread's connection see all tenants, for as long as it lasts: nothing else happens on it."""
    if tenancy.bound() != tenancy.EVERYONE:
        tenancy.bind_engine()
