"""A callback that ends whoever handles it: counted before it is handled, blamed alone, set aside, and kept."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone
from prometheus_client import REGISTRY

from accounts.services import audit
from conversations.models import Message
from inbound.engine import InboundEngine
from inbound.models import RawCallback
from inbound.services import again, claims, handling
from tests.engines import in_process, in_thread, until
from tests.inbound.callers import open_carried
from tests.inbound.deadly import WORD
from tests.inbound.whatsapp import WhatsApp

pytestmark = pytest.mark.django_db(transaction=True)
DEADLY = WORD.decode()


@pytest.fixture
def whatsapp(live):
    return WhatsApp(open_carried(live, "whatsapp"))


@pytest.fixture
def neighbour(globex):
    return WhatsApp(open_carried(globex, "whatsapp"))


def saying(words):
    """Return the callback that says something."""
    return next(row for row in RawCallback.unscoped.all() if words.encode() in bytes(row.body))


def heard():
    return sorted(Message.unscoped.filter(direction="inbound").values_list("text", flat=True))


def counted():
    return REGISTRY.get_sample_value("dexra_inbound_quarantined_total", {"channel": "whatsapp"}) or 0.0


def is_done():
    return not RawCallback.unscoped.filter(state="waiting").exists()


def begun_often(times):
    RawCallback.unscoped.update(begun=times)


@pytest.mark.slow
def test_after_five_dead_workers_it_is_set_aside_and_all_others_are_heard(whatsapp, neighbour):
    for number in range(4):
        whatsapp.hears(f"before {number}", by=f"1650555{1000 + number}")
    whatsapp.hears(DEADLY)
    whatsapp.hears("after", by="16505552000")
    neighbour.hears("next door")
    deaths = 0
    while not is_done():
        with in_process("tests.inbound.deadly") as worker:
            until(lambda: worker.poll() is not None or is_done(), seconds=60)
            deaths += worker.poll() == 139
        assert deaths <= claims.MOST_BEGUN

    assert deaths == claims.MOST_BEGUN
    row = saying(DEADLY)
    assert (row.state, row.begun, row.attempts) == ("quarantined", 6, 6)
    assert WORD in bytes(row.body)
    assert "workers ended" in row.error
    assert heard() == ["after", "before 0", "before 1", "before 2", "before 3", "next door"]
    assert not RawCallback.unscoped.exclude(pk=row.pk).exclude(state="done", begun=0).exists()


class TestTheCount:
    def test_is_written_down_before_anything_is_handled(self, whatsapp, anyone):
        whatsapp.hears()
        claims.own([whatsapp.inbox.pk])

        claims.take([whatsapp.inbox.pk], [])

        assert RawCallback.unscoped.get().begun == 1

    def test_begins_anew_with_whatever_end_it_comes_to(self, whatsapp, anyone):
        whatsapp.hears()
        RawCallback.unscoped.update(begun=1)

        InboundEngine().drain()

        assert (RawCallback.unscoped.get().state, RawCallback.unscoped.get().begun) == ("done", 0)

    @pytest.mark.slow
    def test_is_taken_back_when_the_database_went_away_meanwhile(self, whatsapp, anyone, monkeypatch):
        whatsapp.hears()

        def cut_off(*_):
            raise OperationalError("server closed the connection")

        with monkeypatch.context() as patch:
            patch.setattr(handling, "handle", cut_off)
            with in_thread(InboundEngine()):
                until(lambda: RawCallback.unscoped.get().attempts >= 2)

        assert RawCallback.unscoped.get().begun <= 1
        until(lambda: InboundEngine().drain())  # once the other's connection is gone, and its locks with it
        assert heard() == ["Hello"]

    def test_of_what_was_taken_up_and_not_begun_is_taken_back_by_a_clean_end(self, whatsapp, anyone):
        whatsapp.hears()
        engine = InboundEngine(hands=0)
        with in_thread(engine):
            until(lambda: RawCallback.unscoped.get().begun == 1)

        assert RawCallback.unscoped.get().begun == 0


class TestASuspect:
    def test_is_tried_alone(self, whatsapp, anyone):
        whatsapp.hears("suspect")
        begun_often(2)
        whatsapp.hears("other", by="16505552000")
        engine = InboundEngine()

        assert engine._take() == 1
        assert [job.row.begun for job in engine._in_flight.values()] == [3]
        assert engine._take() == 0  # the other one waits until it is known what became of this one
        engine._carry_out(engine._tasks.get() or [])
        engine.drain()

        assert heard() == ["other", "suspect"]

    def test_waits_for_what_is_in_flight(self, whatsapp, anyone):
        whatsapp.hears("first")
        engine = InboundEngine()
        assert engine._take() == 1
        whatsapp.hears("suspect", by="16505552000")
        RawCallback.unscoped.filter(pk=saying("suspect").pk).update(begun=2)

        assert engine._take() == 0

        engine._carry_out(engine._tasks.get() or [])
        assert engine.drain() == 1
        assert heard() == ["first", "suspect"]

    def test_that_has_used_up_its_chances_is_counted_and_not_read(self, whatsapp, anyone):
        whatsapp.hears("fatal")
        begun_often(claims.MOST_BEGUN)
        before = counted()

        InboundEngine().drain()

        assert (RawCallback.unscoped.get().state, counted()) == ("quarantined", before + 1)
        assert heard() == []

    def test_may_be_handled_again_when_somebody_asks(self, whatsapp, anyone):
        whatsapp.hears("mended since")
        begun_often(claims.MOST_BEGUN)
        InboundEngine().drain()

        again.handle(RawCallback.unscoped.get(), by=audit.SYSTEM)
        InboundEngine().drain()

        assert (heard(), RawCallback.unscoped.get().state) == (["mended since"], "done")

    def test_that_is_not_due_holds_nobody_up(self, whatsapp, anyone):
        whatsapp.hears("later")
        RawCallback.unscoped.update(begun=2, next_attempt_at=timezone.now() + timedelta(hours=1))
        whatsapp.hears("now", by="16505552000")

        assert InboundEngine().drain() == 1
        assert heard() == ["now"]
