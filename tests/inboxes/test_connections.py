"""Which connections calls to providers are made by: one that was kept, as long as it stands."""

import asyncio
import threading

import pytest

from inboxes.channels.outgoing import HttpOrder
from inboxes.transport import http
from inboxes.transport.accidents import NOT_SENT
from tests.providers.server import Provider, answer, raw

SECONDS = 30.0
ORDER = HttpOrder(provider="telegram", path="/bot1:a/sendMessage", json={}, seconds=SECONDS)
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def provider(settings):
    with Provider() as running:
        settings.PROVIDER_BASES = dict.fromkeys(settings.PROVIDER_BASES, running.base)
        yield running


def exchanged(*orders, meanwhile=lambda: None):
    """Return what each call came to, made one after the other; ``meanwhile`` is done between them."""

    async def run():
        exchange = http.Exchange()
        found = []
        try:
            for each in orders:
                found.append(await exchange.exchange(each, livemode=True))
                await asyncio.to_thread(meanwhile)
            return found
        finally:
            await exchange.close()

    return asyncio.run(run())


def test_calls_side_by_side_have_one_each_and_later_ones_take_them(provider):
    async def run():
        exchange = http.Exchange()
        try:
            for _ in range(3):
                await asyncio.gather(*(exchange.exchange(ORDER, livemode=True) for _ in range(4)))
        finally:
            await exchange.close()

    asyncio.run(run())

    assert (len(provider.requests), provider.connections) == (12, 4)


def test_another_is_made_where_the_other_side_hung_up_after_its_answer(provider):
    hung_up = threading.Event()

    async def answers_and_hangs_up(writer):
        await raw(EMPTY)(writer)
        hung_up.set()

    provider.meets(answers_and_hangs_up)
    replies = exchanged(ORDER, ORDER, meanwhile=lambda: hung_up.wait(SECONDS))

    assert [reply.status for reply in replies] == [200, 200]
    assert (len(provider.requests), provider.connections) == (2, 2)


def test_another_is_made_where_the_answer_says_that_it_is_the_last(provider):
    provider.meets(answer(200, b"{}", headers={"Connection": "close"}))
    replies = exchanged(ORDER, ORDER)

    assert [reply.status for reply in replies] == [200, 200]
    assert (len(provider.requests), provider.connections) == (2, 2)


@pytest.mark.parametrize("url", ["ftp://files.example.com/x", "mailto:a@example.com", "//files.example.com/x", "x"])
def test_none_is_made_to_what_is_no_address_of_the_web(url):
    (found,) = exchanged(HttpOrder(provider="telegram", url=url, seconds=SECONDS))

    assert found.kind == NOT_SENT
