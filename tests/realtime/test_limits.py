"""What a client may not do, and what becomes of one that does it."""

import asyncio
import json
import random

import pytest

from realtime.services import broker, limits
from realtime.services.broker import Publication
from realtime.services.outbox import Frame, Outbox
from tests.realtime.resuming import until_kept

pytestmark = pytest.mark.slow

GARBAGE = ["nonsense", "[]", "{}", '{"command":"fly","identifier":"x"}', '{"command":"subscribe"}']


class TestProtocolErrors:
    @pytest.mark.parametrize("text", GARBAGE)
    def test_are_ignored_one_by_one(self, listener, text):
        listener.text()  # who is online
        listener.say_text(text)
        listener.say(command="ping")

        assert listener.text() == '{"type":"pong"}'

    def test_end_the_socket_when_there_are_many(self, listener):
        for number in range(20):
            listener.say_text(GARBAGE[number % len(GARBAGE)])

        assert listener.frame() == {"type": "disconnect", "reason": "invalid_request", "reconnect": True}
        assert listener.message() == {"type": "websocket.close", "code": 1008}

    def test_include_binary_frames_which_are_ignored_otherwise(self, listener):
        listener.text()  # who is online
        for _ in range(19):
            listener.say_bytes(b"\x00\xff")
        listener.say(command="ping")
        assert listener.text() == '{"type":"pong"}'

        listener.say_bytes(b"\x00\xff")

        assert listener.frame()["reason"] == "invalid_request"

    def test_do_not_include_what_merely_has_no_effect(self, listener):
        listener.text()  # who is online
        for _ in range(25):
            listener.say(command="message", identifier="never subscribed", data="{}")
        listener.say(command="ping")

        assert listener.text() == '{"type":"pong"}'

    def test_never_raise_whatever_bytes_come(self, stage, caplog):
        chance = random.Random(7)  # noqa: S311  the same every time
        for _ in range(30):
            client = stage.client()
            client.text()
            for _ in range(19):
                text = "".join(chr(chance.choice([*range(128), 0xD800, 0xFFFF, 0x1F600])) for _ in range(40))
                client.say_text(text)
            client.say(command="ping")
            assert client.text() == '{"type":"pong"}'
            client.hang_up()

        assert [record for record in caplog.records if record.levelname == "ERROR"] == []

    def test_end_the_socket_for_a_frame_that_is_too_large(self, listener):
        listener.say_text(json.dumps({"command": "ping", "filler": "x" * 70_000}))

        assert listener.frame()["reason"] == "invalid_request"
        assert listener.message() == {"type": "websocket.close", "code": 1009}


class TestTooFast:
    def test_a_burst_is_served_at_once(self, listener, monkeypatch):
        monkeypatch.setattr(limits, "COMMANDS_PER_SECOND", 0.001)
        listener.text()  # who is online
        for _ in range(50):
            listener.say(command="ping")

        assert [listener.text() for _ in range(50)] == ['{"type":"pong"}'] * 50

    def test_more_is_served_slowly(self, listener):
        listener.text()  # who is online
        for _ in range(75):
            listener.say(command="ping")

        assert [listener.text() for _ in range(75)] == ['{"type":"pong"}'] * 75

    def test_a_flood_ends_the_socket(self, listener, monkeypatch):
        monkeypatch.setattr(limits, "COMMANDS_PER_SECOND", 0.001)
        listener.text()  # who is online
        for _ in range(200):
            listener.say(command="ping")

        while (text := listener.text()) == '{"type":"pong"}':
            pass
        assert json.loads(text)["reason"] == "invalid_request"


class Pipe:
    """A server's ``send`` that takes nothing while it is shut."""

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message):
        await self.open.wait()
        self.sent.append(dict(message))

    @property
    def texts(self):
        return [message.get("text") for message in self.sent]


class TestOutbox:
    def test_hands_over_on_the_spot_while_the_socket_takes_it(self):
        async def scene():
            pipe = Pipe()
            outbox = Outbox(pipe.send, lambda: None)
            for number in range(1000):
                outbox.put(Frame(str(number)))
            assert len(asyncio.all_tasks()) == 1
            return pipe.texts, outbox.is_idle

        assert asyncio.run(scene()) == ([str(number) for number in range(1000)], True)

    def test_waits_with_the_socket_and_keeps_the_order(self):
        async def scene():
            pipe = Pipe()
            outbox = Outbox(pipe.send, lambda: None)
            outbox.put(Frame("0"))
            pipe.open.clear()
            for number in range(1, 100):
                outbox.put(Frame(str(number)))
            assert (pipe.texts, outbox.is_idle) == (["0"], False)
            pipe.open.set()
            await asyncio.sleep(0.01)
            outbox.put(Frame("100"))
            return pipe.texts, outbox.is_idle

        assert asyncio.run(scene()) == ([str(number) for number in range(101)], True)

    @pytest.mark.parametrize(
        "frames",
        [
            pytest.param([Frame("x")] * 300, id="frames"),
            pytest.param([Frame("x" * 100_000)] * 8, id="bytes"),
        ],
    )
    def test_reports_a_client_that_does_not_read(self, frames):
        async def scene():
            pipe, slow = Pipe(), []
            outbox = Outbox(pipe.send, lambda: slow.append(True))
            pipe.open.clear()
            for frame in frames:
                outbox.put(frame)
            outbox.stop()
            return bool(slow)

        assert asyncio.run(scene())

    def test_reports_a_client_that_takes_nothing_for_too_long(self, monkeypatch):
        async def scene():
            pipe, slow = Pipe(), []
            outbox = Outbox(pipe.send, lambda: slow.append(True))
            pipe.open.clear()
            outbox.put(Frame("x"))
            outbox.check()
            before = list(slow)
            await asyncio.sleep(0.1)
            monkeypatch.setattr(limits, "OUTBOX_SECONDS", 0.05)
            outbox.check()
            outbox.stop()
            return before, slow

        assert asyncio.run(scene()) == ([], [True])

    def test_drops_what_a_later_one_replaces_first(self):
        async def scene():
            pipe, slow = Pipe(), []
            outbox = Outbox(pipe.send, lambda: slow.append(True))
            pipe.open.clear()
            for number in range(200):
                outbox.put(Frame(f"presence {number}", key="presence"))
            for number in range(200):
                outbox.put(Frame(f"message {number}"))
            pipe.open.set()
            await asyncio.sleep(0.01)
            return slow, pipe.texts

        slow, texts = asyncio.run(scene())
        assert slow == []
        assert [text for text in texts if text.startswith("message")] == [f"message {n}" for n in range(200)]
        assert "presence 199" in texts
        assert len(texts) < 260

    def test_writes_the_rest_before_it_closes(self):
        async def scene():
            pipe = Pipe()
            outbox = Outbox(pipe.send, lambda: None)
            pipe.open.clear()
            outbox.put(Frame("a"))
            outbox.finish(Frame("bye"), 1001)
            outbox.put(Frame("too late"))
            pipe.open.set()
            await asyncio.sleep(0.01)
            return pipe.sent[:-1], pipe.sent[-1]

        texts, last = asyncio.run(scene())
        assert [message["text"] for message in texts] == ["a", "bye"]
        assert last == {"type": "websocket.close", "code": 1001}

    def test_goes_quiet_when_the_server_says_that_the_client_is_gone(self):
        async def scene():
            async def send(_message):
                raise OSError("gone")

            outbox = Outbox(send, lambda: None)
            outbox.put(Frame("a"))
            outbox.put(Frame("b"))
            return outbox.is_idle

        assert asyncio.run(scene())

    def test_can_be_stopped_in_the_middle_of_a_frame(self):
        async def scene():
            pipe = Pipe()
            outbox = Outbox(pipe.send, lambda: None)
            pipe.open.clear()
            outbox.put(Frame("a"))
            await asyncio.sleep(0)
            outbox.stop()
            await asyncio.sleep(0.01)
            pipe.open.set()
            await asyncio.sleep(0.01)
            return pipe.sent, len(asyncio.all_tasks())

        assert asyncio.run(scene()) == ([], 1)

    def test_lets_a_history_wait_for_room(self):
        async def scene():
            pipe, slow = Pipe(), []
            outbox = Outbox(pipe.send, lambda: slow.append(True))
            pipe.open.clear()
            replay = asyncio.create_task(self.replay(outbox, 1000))
            await asyncio.sleep(0.01)
            waiting = not replay.done()
            pipe.open.set()
            await asyncio.wait_for(replay, 30)
            await asyncio.sleep(0.01)
            return waiting, slow, len(pipe.sent)

        assert asyncio.run(scene()) == (True, [], 1000)

    async def replay(self, outbox: Outbox, count: int) -> None:
        for number in range(count):
            await outbox.put_patiently(Frame(str(number)))


class TestSlowSubscription:
    def test_is_cut_when_too_much_is_held_back_for_it(self, stage, visitor, stream, monkeypatch):
        monkeypatch.setattr(limits, "OUTBOX_FRAMES", 20)
        client = stage.client("actioncable-v1-ext-json")
        sid = client.frame()["sid"]
        client.subscribe(visitor)
        until_kept(sid, visitor)
        restored = stage.client("actioncable-v1-ext-json", sid=sid)
        assert restored.frame()["restored"]

        broker.publish([Publication(stream, b'{"event":"x"}', str(number)) for number in range(25)])

        assert restored.frame() == {"type": "disconnect", "reason": "too_slow", "reconnect": True}
