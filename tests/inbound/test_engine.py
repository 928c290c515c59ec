"""The engine: in order, once, whoever is killed, slow or poisonous."""

import signal
import threading
import time
from collections import defaultdict
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from conversations.models import Message
from core import redis as redis_connections
from inbound.engine import InboundEngine
from inbound.models import RawCallback, Receival
from inbound.services import claims, storing
from inboxes.channels.incoming import Callback
from tests.engines import in_process, in_thread, until
from tests.inbound.callers import Caller, open_carried
from tests.inbound.whatsapp import WhatsApp, said
from tests.providers import telegram as fake
from tests.providers.server import answer, held
from tests.servers import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def whatsapp(live):
    return WhatsApp(open_carried(live, "whatsapp"))


def at_work():
    return in_thread(InboundEngine())


def waiting():
    """Return how many callbacks are not done."""
    return RawCallback.unscoped.filter(state="waiting").count()


def fewer_wait_than(count):
    return waiting() < count


def fill(whatsapp, *, people, each):
    """Have so many people write so often, a callback a message."""
    for number in range(each):
        for person in range(people):
            whatsapp.hears(str(number), by=f"1650555{1000 + person}", name=f"P{person}")


def talks():
    """Return what was said in each conversation, in its order."""
    found = defaultdict(list)
    for message in Message.unscoped.filter(direction="inbound").order_by("conversation_id", "sequence"):
        found[message.conversation_id].append(message.text)
    return list(found.values())


@pytest.mark.slow
class TestOrder:
    def test_each_person_is_heard_in_order_and_all_at_a_time(self, whatsapp):
        fill(whatsapp, people=6, each=8)

        with at_work():
            until(lambda: not waiting())

        assert talks() == [[str(number) for number in range(8)]] * 6

    def test_lots_of_inboxes_are_looked_after_side_by_side(self, live):
        callers = [WhatsApp(open_carried(live, "whatsapp", settings_={"phone_number_id": str(n)})) for n in range(5)]
        for caller in callers:
            fill(caller, people=2, each=3)

        with at_work():
            until(lambda: not waiting())

        assert Message.unscoped.filter(direction="inbound").count() == 30

    def test_a_slow_file_holds_up_only_its_senders_next_words(self, live, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        with fake.Telegram() as provider:
            settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": provider.base}
            provider.files["F1"] = b"%PDF-1.7"
            may_answer = threading.Event()
            provider.meets(held(may_answer, answer(502)))
            telegram = Caller(open_carried(live, "telegram"))
            for update, person, content in (
                (1, 42, {"document": {"file_id": "F1", "file_name": "a.pdf"}}),
                (2, 42, {"text": "after the file"}),
                (3, 43, {"text": "somebody else"}),
            ):
                told = {"message_id": update, "date": 1, "from": {"id": person, "is_bot": False, "first_name": "A"},
                        "chat": {"id": person, "type": "private"}, **content}  # fmt: skip
                telegram.calls({"update_id": update, "message": told})

            with at_work():
                until(lambda: Message.unscoped.filter(text="somebody else").exists())
                assert not Message.unscoped.filter(text="after the file").exists()
                may_answer.set()
                until(lambda: not waiting())


class TestOnce:
    def test_the_same_callback_through_many_doors_at_once_is_one_message(self, whatsapp):
        once = said({"type": "text", "text": {"body": "Hi"}, "id": "wamid.same"})
        with at_work():
            at_once(*[lambda: whatsapp.says(once)] * 6)
            until(lambda: not waiting() and RawCallback.unscoped.count() == 6)

        assert Message.unscoped.filter(direction="inbound").count() == 1

    @pytest.mark.slow
    def test_two_workers_share_inboxes_and_double_nothing(self, live):
        callers = [WhatsApp(open_carried(live, "whatsapp", settings_={"phone_number_id": str(n)})) for n in range(4)]
        with at_work(), at_work():
            for caller in callers:
                fill(caller, people=2, each=5)
            until(lambda: not waiting())

        assert talks() == [[str(number) for number in range(5)]] * 8

    def test_an_inbox_that_somebody_holds_is_left_to_them(self, whatsapp, anyone):
        whatsapp.hears()
        holding, release = threading.Event(), threading.Event()

        def hold():
            claims.own([whatsapp.inbox.pk])
            holding.set()
            release.wait(60)
            connection.close()

        other = threading.Thread(target=hold)
        other.start()
        holding.wait(60)
        taken = InboundEngine().drain()
        release.set()
        other.join()

        assert (taken, waiting()) == (0, 1)
        until(lambda: InboundEngine().drain())  # the moment its holder is gone, and its lock with it
        assert waiting() == 0

    @pytest.mark.slow
    def test_killed_again_and_again_nothing_is_lost_or_doubled(self, whatsapp):
        fill(whatsapp, people=10, each=25)
        for left in (240, 180, 120, 60):
            with in_process("tests.inbound.lonely") as process:
                until(partial(fewer_wait_than, left), seconds=120)
                process.send_signal(signal.SIGKILL)
                process.wait()

        with at_work():
            until(lambda: not waiting(), seconds=120)

        assert talks() == [[str(number) for number in range(25)]] * 10
        assert Receival.unscoped.count() == 250
        assert not RawCallback.unscoped.exclude(state="done").exists()


class TestPoison:
    def test_what_cannot_be_read_is_tried_a_few_times_then_set_aside_and_blocks_nobody(self, whatsapp, anyone):
        poison = storing.keep(whatsapp.inbox, _callback(whatsapp, b"\xff not JSON"))
        whatsapp.hears("Hello")
        engine = InboundEngine()
        for _ in range(10):
            engine.drain()
            RawCallback.unscoped.filter(state="waiting").update(next_attempt_at=timezone.now())

        poison.refresh_from_db()
        assert (poison.state, poison.attempts) == ("failed", 6)
        assert poison.error
        assert bytes(poison.body) == b"\xff not JSON"
        assert Message.unscoped.get().text == "Hello"

    def test_one_bad_thing_in_a_callback_does_not_keep_the_others_back(self, whatsapp, anyone):
        long_name = "x" * 300
        bad = {"type": "location", "location": {"latitude": "here", "longitude": {}}}
        many = [
            said({"type": "text", "text": {"body": "One"}}),
            said(bad),
            said({"type": "text", "text": {"body": "Two"}}),
        ]
        whatsapp.tells({"contacts": [{"profile": {"name": long_name}, "wa_id": "16505551234"}], "messages": many})
        InboundEngine().drain()

        assert {"One", "Two"} <= set(Message.unscoped.values_list("text", flat=True))

    def test_a_wait_between_attempts_grows(self, whatsapp, anyone):
        poison = storing.keep(whatsapp.inbox, _callback(whatsapp, b"{"))
        waits = []
        for _ in range(3):
            InboundEngine().drain()
            poison.refresh_from_db()
            assert poison.next_attempt_at is not None
            waits.append(poison.next_attempt_at - timezone.now())
            RawCallback.unscoped.update(next_attempt_at=timezone.now())

        assert waits[0] < waits[1] < waits[2]


@pytest.mark.slow
class TestAbsences:
    def test_a_hint_that_is_lost_costs_a_poll(self, whatsapp):
        with at_work():
            time.sleep(0.1)
            redis_connections.client().execute_command("CLIENT", "PAUSE", 700, "ALL")  # nobody hears anything
            whatsapp.hears()
            until(lambda: not waiting())

        assert Message.unscoped.count() == 1

    def test_cut_off_from_the_database_it_goes_on_where_it_was(self, whatsapp):
        with at_work():
            fill(whatsapp, people=3, each=2)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND usename = session_user AND pid <> pg_backend_pid()"
                )
            fill(whatsapp, people=3, each=2)
            until(lambda: not waiting())

        assert sorted(map(len, talks())) == [4, 4, 4]


def _callback(whatsapp, body):
    return Callback("POST", "https://dexra.test/x", body, {"content-type": "application/json"}, {})
