"""Every way a receiver may fail to answer, and what that costs everybody else."""

import asyncio
import socket
import time

import pytest

from tests.engines import until
from tests.webhooks import receivers
from tests.webhooks.receivers import Receiver
from tests.webhooks.sending import BODY, HEADERS, answered, run, sent, unused_port
from webhooks.transport import client
from webhooks.transport.exchange import Outgoing

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.slow
class TestBadReceivers:
    def test_that_hang_are_given_up_on(self, receiver):
        answer = answered(receiver, receivers.hang(), seconds=1)

        assert (answer.status, answer.error_class, answer.remote_ip) == (None, "timeout", "127.0.0.1")
        assert answer.milliseconds >= 990

    def test_that_drip_are_given_up_on_in_the_same_time(self, receiver):
        answer = answered(receiver, receivers.dripping(), seconds=1)

        assert (answer.status, answer.error_class) == (200, "timeout")
        assert answer.milliseconds >= 990

    @pytest.mark.parametrize(
        ("act", "name"),
        [
            pytest.param(receivers.reset(), "connection_reset", id="reset"),
            pytest.param(receivers.hang_up(), "connection_reset", id="hang up"),
            pytest.param(receivers.half_a_line(), "invalid_answer", id="half a line"),
            pytest.param(receivers.garbage(), "invalid_answer", id="garbage"),
            pytest.param(receivers.cut_off(), "invalid_answer", id="half a body"),
            pytest.param(
                receivers.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
                "invalid_answer",
                id="no chunks",
            ),
            pytest.param(receivers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), "invalid_answer", id="minus"),
            pytest.param(receivers.raw(b"HTTP/1.1 two hundred\r\n\r\n"), "invalid_answer", id="in words"),
        ],
    )
    def test_that_break_off_or_babble_are_failures(self, receiver, act, name):
        answer = answered(receiver, act, seconds=30)

        assert answer.error_class == name
        assert not answer.is_ours

    def test_that_refuse_are_failures(self):
        answer = sent(f"http://127.0.0.1:{unused_port()}/")

        assert (answer.status, answer.error_class, answer.remote_ip) == (None, "connection_refused", "127.0.0.1")
        assert answer.detail == "Connection refused"

    def test_that_never_accept_are_given_up_on(self, monkeypatch):
        monkeypatch.setattr(client, "CONNECT_SECONDS", 0.3)
        client._timeout.cache_clear()
        with socket.create_server(("127.0.0.1", 0), backlog=0) as server, full(server):
            answer = sent(f"http://127.0.0.1:{server.getsockname()[1]}/")
        client._timeout.cache_clear()

        assert answer.error_class == "connect_timeout"

    def test_that_never_read_are_given_up_on(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            answer = sent(f"http://127.0.0.1:{server.getsockname()[1]}/", body=b"x" * 1_000_000, seconds=1)

        assert answer.error_class == "timeout"

    def test_that_put_us_off_with_preliminary_answers_are_given_up_on(self, receiver):
        async def flood(writer):
            while True:
                writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.2)

        assert answered(receiver, flood, seconds=1).error_class == "timeout"

    def test_that_answer_twice_poison_no_later_answer(self, receiver):
        two = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 Forged\r\nContent-Length: 0\r\n\r\n"

        async def forge(writer):
            writer.write(two)
            await writer.drain()

        receiver.script(forge, receivers.answer(201))

        async def story(sender):
            return [(await sender.send(Outgoing(receiver.url, HEADERS, BODY))).status for _ in range(2)]

        assert run(story) == [200, 201]
        assert receiver.connections == 2


class TestKeptConnections:
    @pytest.fixture(autouse=True)
    def _slow_machine(self, monkeypatch):
        monkeypatch.setattr(client, "STALE_SECONDS", 30.0)

    def test_that_ended_meanwhile_cost_nothing(self, receiver):
        receiver.script(receivers.answer(200), receivers.hang_up(), receivers.answer(202))

        async def story(sender):
            return [await sender.send(Outgoing(receiver.url, HEADERS, BODY)) for _ in range(2)]

        assert [(answer.status, answer.error_class) for answer in run(story)] == [(200, ""), (202, "")]
        assert [request.connection for request in receiver.requests] == [1, 1, 2]

    def test_are_not_tried_again_once_the_receiver_took_its_time(self, receiver, monkeypatch):
        monkeypatch.setattr(client, "STALE_SECONDS", 0.05)

        async def slow_reset(writer):
            await asyncio.sleep(0.1)
            writer.transport.abort()

        receiver.script(receivers.answer(), slow_reset, receivers.answer())

        async def story(sender):
            return [(await sender.send(Outgoing(receiver.url, HEADERS, BODY))).error_class for _ in range(2)]

        assert run(story) == ["", "connection_reset"]
        assert len(receiver.requests) == 2

    def test_of_a_receiver_that_always_hangs_up_are_tried_three_times_at_most(self, receiver):
        async def story(sender):
            await asyncio.gather(*(sender.send(Outgoing(receiver.url, HEADERS, BODY)) for _ in range(8)))
            receiver.script(receivers.hang_up())
            return (await sender.send(Outgoing(receiver.url, HEADERS, BODY))).error_class

        assert run(story) == "connection_reset"
        assert len(receiver.requests) == 11


def test_a_canceled_request_stops_at_once_and_lets_go_of_its_connection(receiver):
    receiver.script(receivers.hang())

    async def story(sender):
        task = asyncio.create_task(sender.send(Outgoing(receiver.url, HEADERS, BODY)))
        await asyncio.to_thread(receiver.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(until, lambda: [known.fileno() for known in sender._sockets] == [-1])

    run(story)


def test_a_sender_that_is_closed_takes_the_blame_for_what_it_was_sending(receiver):
    receiver.script(receivers.hang())

    async def story(sender):
        task = asyncio.create_task(sender.send(Outgoing(receiver.url, HEADERS, BODY)))
        await asyncio.to_thread(receiver.wait_for, 1)
        await sender.close()
        return await task

    answer = run(story)
    assert (answer.error_class, answer.is_ours) == ("our_fault", True)


def test_a_sender_that_was_closed_takes_the_blame(receiver):
    async def story(sender):
        await sender.close()
        return await sender.send(Outgoing(receiver.url, HEADERS, BODY))

    answer = run(story)
    assert (answer.error_class, answer.is_ours) == ("our_fault", True)


@pytest.mark.slow
def test_one_hanging_receiver_delays_nobody_else(receiver):
    with Receiver(receivers.hang()) as hanging:

        async def story(sender):
            stuck = [asyncio.create_task(sender.send(Outgoing(hanging.url, HEADERS, BODY, 60.0))) for _ in range(100)]
            await asyncio.to_thread(hanging.wait_for, 100)
            well = [await sender.send(Outgoing(receiver.url, HEADERS, BODY)) for _ in range(50)]
            waiting = [not one.done() for one in stuck]
            for one in stuck:
                one.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
            return well, waiting

        well, waiting = run(story)

    assert waiting == [True] * 100
    assert {answer.status for answer in well} == {200}


class full:  # noqa: N801  reads as a state of the server
    """Fills a listening socket's queue, so that nobody else gets in."""

    def __init__(self, server: socket.socket) -> None:
        self._address = server.getsockname()
        self._callers: list[socket.socket] = []

    def __enter__(self) -> None:
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(self._address)
            self._callers.append(caller)
        time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        for caller in self._callers:
            caller.close()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(receivers.flood(b"HTTP/1.1 103 Early Hints\r\n\r\n"), id="interim answers"),
        pytest.param(receivers.flood(b"1;" + b"x" * 5000 + b"\r\n.\r\n", CHUNKED), id="names of chunks"),
        pytest.param(receivers.flood(b"X-Trailer: x\r\n", CHUNKED + b"0\r\n"), id="trailers"),
    ],
)
def test_receivers_that_talk_on_and_on_are_hung_up_on_and_delay_nobody_else(receiver, act):
    receiver.script(act)

    with Receiver(receivers.answer(204)) as well:

        async def story(sender):
            floods = [asyncio.create_task(sender.send(Outgoing(receiver.url, HEADERS, BODY, 60.0))) for _ in range(10)]
            await asyncio.sleep(0.1)
            answers = [await sender.send(Outgoing(well.url, HEADERS, BODY)) for _ in range(10)]
            return answers, await asyncio.gather(*floods)

        answers, flooded = run(story)

    assert [answer.status for answer in answers] == [204] * 10
    assert {answer.error_class for answer in flooded} == {"invalid_answer"}  # and not that their minute is over
