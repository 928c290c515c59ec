"""Calls to providers over real sockets: every way an answer can go missing, and what it means."""

import asyncio
import gzip
import io
import logging
import socket
from ipaddress import ip_network

import pytest

from inboxes.channels.outgoing import HttpOrder, MailOrder, Reply
from inboxes.transport import http, wire
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT, Accident
from tests.providers.server import (
    Provider,
    answer,
    answer_json,
    cut_off,
    dripping,
    endless,
    garbage,
    half_a_line,
    hang,
    hang_up,
    reset,
)
from tests.webhooks.certificates import Authority
from tests.webhooks.receivers import Receiver

TOKEN = "123456:AAH-secret-token-of-a-bot"


@pytest.fixture
def provider(settings):
    with Provider() as running:
        settings.PROVIDER_BASES = dict.fromkeys(settings.PROVIDER_BASES, running.base)
        yield running


def order(**fields):
    return HttpOrder(**{"provider": "telegram", "path": f"/bot{TOKEN}/sendMessage", "json": {"a": "é"}, "seconds": 5.0,
                        "secrets": (TOKEN,), **fields})  # fmt: skip


def exchanged(*orders):
    """Return what each call came to, made one after the other from one loop."""

    async def run():
        exchange = http.Exchange()
        try:
            return [await exchange.exchange(each, livemode=True) for each in orders]
        finally:
            await exchange.close()

    return asyncio.run(run())


class TestAnExchange:
    def test_sends_an_order_and_brings_back_the_answer(self, provider):
        provider.meets(answer_json({"ok": True}, 201, headers={"Retry-After": "3"}))

        (reply,) = exchanged(order(headers={"X-Key": "v"}))

        assert reply == Reply(201, b'{"ok": true}', reply.headers)
        assert reply.headers["retry-after"] == "3"
        (request,) = provider.requests
        assert (request.method, request.path) == ("POST", f"/bot{TOKEN}/sendMessage")
        assert request.body == '{"a":"é"}'.encode()
        assert request.headers["content-type"] == "application/json"
        assert request.headers["x-key"] == "v"

    def test_sends_forms_and_bytes_as_they_are(self, provider):
        exchanged(
            order(json=None, form=[("To", "+1 5"), ("MediaUrl", "a"), ("MediaUrl", "b&c")]),
            order(json=None, content=b"\x00\xff", headers={"Content-Type": "application/x-thing"}),
        )

        form, plain = provider.requests
        assert form.body == b"To=%2B1+5&MediaUrl=a&MediaUrl=b%26c"
        assert form.headers["content-type"] == "application/x-www-form-urlencoded"
        assert (plain.body, plain.headers["content-type"]) == (b"\x00\xff", "application/x-thing")

    def test_keeps_connections_for_the_next_call(self, provider):
        exchanged(order(), order(), order())

        assert provider.connections == 1

    def test_goes_to_the_provider_s_base_with_urls_that_it_handed_out_on_its_own_host(self, provider):
        exchanged(order(path="", url="https://api.telegram.org/file/x?y=1"))

        assert provider.requests[0].path == "/file/x?y=1"

    @pytest.mark.parametrize("status", [301, 302, 307, 400, 429, 500])
    def test_brings_back_any_status_and_follows_no_redirect(self, provider, status):
        provider.meets(answer(status, b"no", headers={"Location": provider.at("/elsewhere")}))

        (reply,) = exchanged(order())

        assert (reply.status, len(provider.requests)) == (status, 1)

    @pytest.mark.parametrize("accident", [hang_up(), reset(), half_a_line(), garbage(), cut_off()])
    def test_does_not_know_whether_a_call_arrived_that_was_not_answered(self, provider, accident):
        provider.meets(accident)

        (found,) = exchanged(order(seconds=30.0))

        assert found.kind == AMBIGUOUS
        assert len(provider.requests) == 1

    @pytest.mark.slow  # the time of a call is that of connecting too, which a busy machine takes long for
    @pytest.mark.parametrize("accident", [hang(), dripping()])
    def test_does_not_wait_for_an_answer_that_does_not_come_or_comes_byte_by_byte(self, provider, accident):
        provider.meets(accident)

        assert exchanged(order(seconds=3.0))[0].kind == AMBIGUOUS
        assert len(provider.requests) == 1

    def test_knows_that_nothing_left_when_nobody_listens(self, settings):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            settings.PROVIDER_BASES = {"telegram": f"http://127.0.0.1:{closed.getsockname()[1]}"}

            (found,) = exchanged(order())

        assert found.kind == NOT_SENT

    def test_knows_that_nothing_left_when_the_other_side_speaks_no_tls(self, provider, settings):
        settings.PROVIDER_BASES = {"telegram": provider.base.replace("http:", "https:")}

        assert exchanged(order(seconds=0.3))[0].kind == NOT_SENT
        assert provider.requests == []

    def test_sends_nothing_to_a_server_that_is_not_who_it_should_be(self, settings, tmp_path):
        with Receiver(tls=Authority(tmp_path).server("127.0.0.1")) as impostor:
            settings.PROVIDER_BASES = {"telegram": impostor.at("")}

            assert exchanged(order()) == [Accident(NOT_SENT, "The TLS handshake failed.")]
            assert impostor.requests == []

    def test_dials_no_private_address_that_the_operator_did_not_list(self, provider, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []

        assert exchanged(order())[0] == Accident(NOT_SENT, "The address is not public.")
        assert provider.connections == 0

    def test_dials_no_private_address_behind_a_name(self, provider, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []

        found = exchanged(order(path="", url=f"http://localhost:{provider.port}/"))

        assert found == [Accident(NOT_SENT, "The address is not public.")]

    def test_takes_a_mebibyte_of_an_answer_and_no_more(self, provider):
        provider.meets(endless(8 * 1024**2))

        assert len(exchanged(order())[0].body) == http.MOST_BYTES

    def test_unpacks_no_more_than_a_mebibyte(self, provider):
        provider.meets(answer(200, gzip.compress(b"0" * 5 * 1024**2), headers={"Content-Encoding": "gzip"}))

        assert exchanged(order())[0].body == b"0" * http.MOST_BYTES

    def test_calls_nobody_for_a_sandbox(self, provider):
        async def run():
            await http.Exchange().exchange(order(), livemode=False)

        with pytest.raises(RuntimeError, match="sandbox"):
            asyncio.run(run())
        assert provider.connections == 0

    def test_keeps_tokens_out_of_logs_and_details(self, provider, caplog):
        provider.meets(reset())
        with caplog.at_level(logging.INFO):
            found = exchanged(order(), order())

        assert TOKEN not in caplog.text
        assert TOKEN not in str(found)


class TestAsking:
    def test_brings_back_the_answer(self, provider):
        provider.meets(answer_json({"ok": True}))

        assert http.ask(order(), livemode=True).body == b'{"ok": true}'

    @pytest.mark.parametrize("accident", [hang(), reset(), hang_up(), dripping()])
    def test_says_what_a_missing_answer_means(self, provider, accident):
        provider.meets(accident)

        assert http.ask(order(seconds=0.3), livemode=True).kind == AMBIGUOUS

    def test_calls_nobody_for_a_sandbox(self, provider):
        with pytest.raises(RuntimeError, match="sandbox"):
            http.ask(order(), livemode=False)


class TestFetchingAFile:
    def test_writes_it_and_follows_to_where_it_is_kept_without_the_credentials(self, provider):
        with Provider() as elsewhere:
            elsewhere.meets(answer(200, b"x" * 100_000))
            provider.meets(answer(307, headers={"Location": elsewhere.at("/file")}))
            file = io.BytesIO()

            asked = order(method="GET", json=None, headers={"Authorization": "Bearer s"})
            reply = http.fetch(asked, file, most_bytes=100_000, livemode=True)

            assert (reply.status, file.getvalue()) == (200, b"x" * 100_000)
            assert "authorization" not in elsewhere.requests[0].headers

    def test_stops_at_one_that_is_too_large(self, provider):
        provider.meets(endless())

        with pytest.raises(http.TooLarge):
            http.fetch(order(method="GET", json=None), io.BytesIO(), most_bytes=100_000, livemode=True)

    def test_brings_back_what_a_refusal_says_and_writes_nothing(self, provider):
        provider.meets(answer(404, b"gone"))
        file = io.BytesIO()

        reply = http.fetch(order(method="GET", json=None), file, most_bytes=1000, livemode=True)

        assert (reply.status, reply.body, file.getvalue()) == (404, b"gone", b"")

    def test_goes_nowhere_private_by_way_of_a_redirect(self, provider, settings):
        provider.meets(answer(302, headers={"Location": "http://127.0.0.2:9/"}))
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.1/32")]

        found = http.fetch(order(method="GET", json=None), io.BytesIO(), most_bytes=1000, livemode=True)

        assert found.detail == "The address is not public."


class TestShowingAnOrder:
    def test_masks_what_is_secret_wherever_it_stands(self):
        seen = wire.shown(
            order(headers={"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.x", "X-Also": TOKEN}, json={"token": TOKEN})
        )

        assert TOKEN not in str(seen)
        assert "eyJhbGci" not in str(seen)
        assert seen["url"].startswith("https://api.telegram.org/bot")
        assert seen["method"] == "POST"

    def test_shows_an_e_mail_without_the_password_it_leaves_with(self):
        mail = MailOrder(
            "smtp", {"password": "hunter2hunter2"}, "us@x.test", "you@y.test", "Hi", "Hello", cc=["a@b.test"]
        )

        seen = wire.shown(mail)

        assert "hunter2" not in str(seen)
        assert (seen["headers"]["To"], seen["headers"]["Cc"], seen["body"]) == ("you@y.test", "a@b.test", "Hello")
