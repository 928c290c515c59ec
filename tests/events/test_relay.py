"""The relay: every event once to its handlers, in order, whatever dies."""

import threading
from collections.abc import Sequence

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection, transaction

from contacts.models import Contact
from contacts.services import contacts
from conversations.services import messages
from conversations.services.messages import Draft
from core import tenancy
from core.postgres import base
from events import bus, log
from events.event import Event
from events.models import LoggedEvent
from events.relay import LEADER_LOCK, Relay
from tests.dexra.launching import wait_for
from tests.stopping import needs_own_server, silent


class Dropped(Event):
    """A pin was dropped."""

    type = "test.dropped"


class Ear:
    """A handler that remembers what it was told, and fails when asked to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.deaf_to: set[str] = set()
        self.complaint: Exception = RuntimeError("cannot hear this one")

    def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.data["name"] in self.deaf_to:
                raise self.complaint
        self.heard += [event.data["name"] for event in events]


@pytest.fixture
def ear():
    """Listens to dropped pins; the product's own table is put back afterwards."""
    listener, table = Ear(), dict(bus._subscriptions)
    bus.subscribe({Dropped: [listener]})
    yield listener
    bus.subscribe(table)


def drop(environment, name: str, *, conversation: int | None = None) -> None:
    with transaction.atomic():
        log.publish(
            Dropped(environment_id=environment.pk, livemode=True, conversation_id=conversation, data={"name": name})
        )


class TestPublish:
    def test_is_refused_outside_the_transaction_of_its_change(self, transactional_db):
        with pytest.raises(RuntimeError, match="inside the transaction"):
            log.publish(Dropped(environment_id=1, livemode=True))

    def test_leaves_no_trace_when_the_change_is_undone(self, live):
        before = LoggedEvent.unscoped.count()
        with transaction.atomic():
            contacts.create(environment=live, fields={"name": "Amine"})
            transaction.set_rollback(True)

        assert LoggedEvent.unscoped.count() == before


class TestRelay:
    def test_tells_each_event_once_and_in_order(self, live, ear, relay):
        for name in "abc":
            drop(live, name)

        relay.drain()
        relay.drain()

        assert ear.heard == ["a", "b", "c"]

    def test_gives_every_event_a_place_in_the_feed_that_rises(self, live, ear, relay):
        for name in "abc":
            drop(live, name)

        relay.drain()

        feed = LoggedEvent.unscoped.filter(type="test.dropped").order_by("position")
        assert [row.data["name"] for row in feed] == ["a", "b", "c"]
        assert all(row.position for row in feed)

    @pytest.mark.parametrize("complaint", [RuntimeError, DataError, IntegrityError])
    def test_holds_back_a_failing_event_with_its_conversation_and_nothing_else(self, live, ear, relay, complaint):
        ear.deaf_to, ear.complaint = {"bad"}, complaint("cannot hear this one")
        drop(live, "bad", conversation=1)
        drop(live, "behind", conversation=1)
        drop(live, "elsewhere", conversation=2)

        relay.drain()

        assert ear.heard == ["elsewhere"]

    @pytest.mark.parametrize("away", [OperationalError, InterfaceError])
    def test_takes_a_batch_again_when_the_database_went_away_in_it(self, live, ear, relay, away):
        ear.deaf_to, ear.complaint = {"bad"}, away("gone")
        drop(live, "good")
        drop(live, "bad")
        with pytest.raises(away):
            relay.drain()

        ear.deaf_to = set()
        relay.drain()

        assert ear.heard == ["good", "bad"]

    def test_tells_a_held_event_before_those_behind_it_once_its_handler_recovers(self, live, ear, relay, monkeypatch):
        ear.deaf_to = {"bad"}
        drop(live, "bad", conversation=1)
        drop(live, "behind", conversation=1)
        relay.drain()

        ear.deaf_to = set()
        monkeypatch.setattr("events.relay.time.monotonic", lambda: float("inf"))
        relay.drain()

        assert ear.heard == ["bad", "behind"]

    def test_undoes_what_handlers_wrote_when_it_dies_in_the_middle(self, live, relay, ear):
        def die(events: Sequence[Event]) -> None:
            contacts.create(environment=live, fields={"external_id": "half-done"})
            raise SystemExit

        bus.subscribe({Dropped: [die]})
        drop(live, "a")
        with pytest.raises(SystemExit):
            relay.drain()
        bus.subscribe({Dropped: [ear]})

        relay.drain()

        assert ear.heard == ["a"]
        assert not Contact.of(live).filter(external_id="half-done").exists()


class TestLeadership:
    def test_belongs_to_one_relay_at_a_time(self, transactional_db):
        holding, let_go = threading.Event(), threading.Event()

        def hold() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [LEADER_LOCK])
                holding.set()
                let_go.wait(60)
            connection.close()

        other = threading.Thread(target=hold)
        other.start()
        holding.wait(10)
        second = Relay()
        leads_while_held = second._take_the_lead()
        let_go.set()
        other.join()

        assert not leads_while_held
        wait_for(second._take_the_lead, seconds=30)  # the server lets go a moment after its client has hung up
        connection.close()


class TestSequence:
    def test_has_no_gaps_when_many_write_at_once(self, transactional_db, acme, live, session, conversation):
        def write(number: int) -> None:
            with tenancy.one(live.pk):
                messages.receive(session=session, number=conversation.number, draft=Draft(f"message {number}"))
            connection.close()

        writers = [threading.Thread(target=write, args=[n]) for n in range(12)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

        told = LoggedEvent.unscoped.filter(conversation_id=conversation.pk).order_by("id")
        assert [event.sequence for event in told] == list(range(1, 14))


@needs_own_server
class TestASilentDatabase:
    @pytest.fixture(autouse=True)
    def _hasty(self, monkeypatch):
        monkeypatch.setattr(base, "PAUSE_SECONDS", 0.1)
        yield
        base.silence.end()

    @pytest.mark.slow
    def test_is_left_and_the_lead_taken_again(self, transactional_db, live, ear):
        relay = Relay()
        relay._step()
        connection.connection.answer_seconds = 0.3

        with silent(connection):
            relay._step()
            assert connection.connection is None
        with tenancy.everyone():
            drop(live, "a pin")
        wait_for(lambda: relay._step() or ear.heard, seconds=30)

        assert ear.heard == ["a pin"]
