"""Reading on misses nothing, however many write at the same moment."""

import threading
import time

import pytest
from django.db import connection

from contacts.services import sessions
from conversations.services import conversations, messages
from conversations.services.messages import Draft
from core import ids, tenancy
from events.models import LoggedEvent
from events.relay import Relay
from tests.engines import until
from tests.servers import at_once

WRITERS, SAID = 6, 12
TOLD = WRITERS * (SAID + 2)  # of each: somebody new, a conversation, its messages


@pytest.fixture
def relaying(transactional_db):
    """A relay at work in a thread of its own."""
    stop = threading.Event()
    thread = threading.Thread(target=Relay().run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join(timeout=60)


@pytest.mark.django_db(transaction=True)
class TestReadingOn:
    @pytest.mark.slow
    def test_sees_every_event_once_and_each_conversation_in_order(self, api, inbox, relaying, settings):
        settings.RATE_LIMITS = False
        api.put("/v1/users/first")
        start = until(lambda: api.get("/v1/changes").json()["latest"])
        seen, done = [], threading.Event()
        reader = threading.Thread(target=self.follow, args=(api, start, seen, done))
        reader.start()

        at_once(*[lambda n=n: self.write(inbox, n) for n in range(WRITERS)])
        done.set()
        reader.join(timeout=150)

        with tenancy.everyone():
            written = sorted(ids.encode("evt", row) for row in LoggedEvent.unscoped.values_list("pk", flat=True))
        assert len(written) == 1 + TOLD
        assert sorted([start, *(each["id"] for each in seen)]) == written
        told: dict[str, list[int]] = {}
        for event in (each for each in seen if each["conversation_id"]):
            told.setdefault(event["conversation_id"], []).append(event["sequence"])
        assert all(sequence == list(range(1, SAID + 2)) for sequence in told.values())

    def write(self, inbox, name):
        with tenancy.everyone():
            session = sessions.open_session(inbox=inbox, fields={"external_id": f"w-{name}"})
            number = conversations.start(session=session).number
            for word in range(SAID):
                messages.receive(session=session, number=number, draft=Draft(f"Word {word}"))

    def follow(self, api, start, seen, done):
        """Ask for what followed the last event seen, until all has come and for a while nothing more."""
        latest, quiet, ends = start, 0, time.monotonic() + 120
        try:
            while quiet < 5 and time.monotonic() < ends:
                page = api.get("/v1/events", after=latest, limit=7).json()["data"]
                seen += page
                latest = page[-1]["id"] if page else latest
                quiet = quiet + 1 if done.is_set() and len(seen) >= TOLD else 0
                time.sleep(0 if page else 0.05)
        finally:
            connection.close()
