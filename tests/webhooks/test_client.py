"""Requests that are made for real, and what is kept of the answers."""

import asyncio
import json
import time
from email.utils import formatdate

import pytest
import uvloop

from tests.webhooks import receivers
from tests.webhooks.receivers import Receiver
from tests.webhooks.sending import BODY, HEADERS, answered, run, sent
from webhooks.transport import client
from webhooks.transport.exchange import Outgoing


class TestRequest:
    def test_arrives_as_it_was_made(self, receiver):
        body = bytes(range(256)) * 1000

        answer = sent(receiver.at("/a%2Fb?sig=%2B%3d&x"), body=body)

        (request,) = receiver.requests
        assert answer.error_class == ""
        assert (request.method, request.path, request.body) == ("POST", "/a%2Fb?sig=%2B%3d&x", body)

    def test_has_our_headers_and_none_that_were_not_asked_for(self, receiver):
        sent(receiver.url)

        assert receiver.requests[0].headers == {
            "host": f"127.0.0.1:{receiver.port}",
            "user-agent": "Dexra-Webhooks/1",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "webhook-id": "evt_1",
            "x-custom": "ours",
            "content-length": str(len(BODY)),
        }

    def test_ignores_the_proxies_and_logins_of_its_surroundings(self, receiver, monkeypatch, tmp_path):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")

        assert sent(receiver.url).status == 200
        assert "authorization" not in receiver.requests[0].headers

    def test_carries_no_cookie_that_an_answer_set(self, receiver):
        receiver.script(receivers.answer(headers={"Set-Cookie": "a=b; Path=/"}))

        async def twice(sender):
            for _ in range(2):
                await sender.send(Outgoing(receiver.url, HEADERS, BODY))

        run(twice)
        assert [request.headers.get("cookie") for request in receiver.requests] == [None, None]

    def test_reuses_connections(self, receiver):
        async def many(sender):
            for _ in range(20):
                await asyncio.gather(*(sender.send(Outgoing(receiver.url, HEADERS, BODY)) for _ in range(5)))

        run(many)
        assert len(receiver.requests) == 100
        assert receiver.connections == 5

    @pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
    def test_keeps_no_connection_while_descriptors_are_short(self, receiver, monkeypatch, runner):
        monkeypatch.setattr(client, "MOST_OPEN", 5)

        async def story(sender):
            await asyncio.gather(*(sender.send(Outgoing(receiver.url, HEADERS, BODY)) for _ in range(5)))
            for _ in range(3):
                await sender.send(Outgoing(receiver.url, HEADERS, BODY))
            short = receiver.connections
            await sender._keeping.close()
            sender._keeping = sender._session(keepalive_timeout=90.0)
            for _ in range(10):
                await sender.send(Outgoing(receiver.url, HEADERS, BODY))
            return short, receiver.connections - short

        # Five are kept; beside them, each of the three has one of its own. Once they are closed, one is kept again.
        assert run(story, runner=runner) == (8, 2)


class TestAnswer:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_is_a_success_for_any_2xx(self, receiver, status):
        receiver.script(receivers.raw(b"HTTP/1.1 %d Fine\r\nContent-Length: 0\r\n\r\n" % status))

        assert (sent(receiver.url).status, sent(receiver.url).error_class) == (status, "")

    @pytest.mark.parametrize("status", [400, 401, 404, 408, 410, 418, 429, 500, 502, 503, 504, 599])
    def test_is_a_failure_with_its_status_for_any_other(self, receiver, status):
        answer = answered(receiver, receivers.raw(b"HTTP/1.1 %d No\r\nContent-Length: 4\r\n\r\nwhy?" % status))

        assert (answer.status, answer.error_class, answer.body) == (status, "http_status", "why?")
        assert not answer.is_ours

    def test_tells_who_answered_and_how_long_it_took(self, receiver):
        started = time.monotonic()

        answer = answered(receiver, receivers.answer(body=b"ok", delay=0.2))

        assert answer.remote_ip == "127.0.0.1"
        assert 200 <= answer.milliseconds <= (time.monotonic() - started) * 1000 + 1

    def test_tells_who_answered_on_a_kept_connection_too(self, receiver):
        async def twice(sender):
            return [await sender.send(Outgoing(receiver.url, HEADERS, BODY)) for _ in range(2)]

        assert [answer.remote_ip for answer in run(twice)] == ["127.0.0.1", "127.0.0.1"]
        assert receiver.connections == 1

    def test_keeps_headers_without_credentials(self, receiver):
        headers = {"X-Trace": "r1", "Set-Cookie": "session=secret", "X-Api-Key": "k", "Authorization": "Bearer t"}

        answer = answered(receiver, receivers.answer(headers=headers))

        assert answer.headers == {
            "Content-Length": "0",
            "X-Trace": "r1",
            "Set-Cookie": "[redacted]",
            "X-Api-Key": "[redacted]",
            "Authorization": "[redacted]",
        }

    def test_can_be_stored_whatever_bytes_are_in_it(self, receiver):
        receiver.script(
            receivers.raw(b"HTTP/1.1 500 No\r\nX-Odd: \xff\xfe \xc3\xa9\r\nContent-Length: 5\r\n\r\na\x00\xffb\xc3")
        )

        answer = sent(receiver.url)

        assert answer.body == "a\ufffd\ufffdb\ufffd"
        assert answer.headers["X-Odd"] == "\ufffd\ufffd é"
        json.dumps([answer.body, answer.headers], ensure_ascii=False).encode()

    def test_keeps_a_bounded_part_of_very_many_headers(self, receiver):
        headers = {f"X-{number}": "v" * 3000 for number in range(100)}

        answer = answered(receiver, receivers.answer(headers=headers))

        assert len(answer.headers) == 40
        assert max(map(len, answer.headers.values())) == 500

    @pytest.mark.parametrize(
        ("asked", "seconds"),
        [("7", 7.0), ("0", 0.0), ("9" * 50, 9999999999.0), ("-1", None), ("soon", None), ("", None), ("1.5", None)],
    )
    def test_tells_for_how_long_it_asks_to_be_left_alone(self, receiver, asked, seconds):
        assert answered(receiver, receivers.slow_down(asked)).retry_after == seconds

    def test_tells_so_by_a_date_too(self, receiver):
        later = formatdate(time.time() + 120, usegmt=True)

        assert answered(receiver, receivers.slow_down(later, 503)).retry_after == pytest.approx(120, abs=30)

    def test_reads_a_date_by_the_receivers_own_clock(self, receiver):
        headers = {
            "Date": formatdate(1_000_000_000, usegmt=True),
            "Retry-After": formatdate(1_000_000_030, usegmt=True),
        }

        assert answered(receiver, receivers.answer(503, headers=headers)).retry_after == 30.0

    def test_never_asks_for_the_past(self, receiver):
        assert answered(receiver, receivers.slow_down(formatdate(0, usegmt=True))).retry_after == 0.0


class TestLargeAnswers:
    def test_are_cut_and_still_a_success(self, receiver):
        answer = answered(receiver, receivers.answer(200, b"x" * 17_000))

        assert (answer.error_class, answer.body) == ("", "x" * 16_384)

    def test_of_a_gigabyte_are_hung_up_on(self, receiver):
        written = 0

        async def gigabyte(writer):
            nonlocal written
            writer.write(receivers.head(200, {"Content-Length": str(1024**3)}))
            for _ in range(1024):
                writer.write(b"x" * 1024**2)
                await writer.drain()
                written += 1

        answer = answered(receiver, gigabyte)

        assert (answer.status, answer.error_class, len(answer.body)) == (200, "", 16_384)
        assert written < 100  # megabytes: what the system itself takes

    def test_close_their_connection_and_no_other(self, receiver):
        receiver.script(receivers.endless(), receivers.answer())

        async def story(sender):
            return [(await sender.send(Outgoing(receiver.url, HEADERS, BODY))).error_class for _ in range(3)]

        assert run(story) == ["", "", ""]
        assert [request.connection for request in receiver.requests] == [1, 2, 2]

    def test_are_never_unpacked(self, receiver):
        answer = answered(receiver, receivers.gzip_bomb())

        assert (answer.status, answer.error_class) == (200, "")
        assert answer.body.startswith("\x1f\ufffd\x08")
        assert len(answer.body) <= 16_384

    def test_with_endless_headers_are_no_answer(self, receiver):
        receiver.script(receivers.raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n"))

        assert sent(receiver.url).error_class == "invalid_answer"

    def test_with_one_endless_header_are_no_answer(self, receiver):
        receiver.script(receivers.raw(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 1_000_000))

        assert sent(receiver.url).error_class == "invalid_answer"


class TestRedirects:
    def test_are_not_followed(self, receiver):
        with Receiver() as elsewhere:
            answer = answered(receiver, receivers.redirect(elsewhere.url))

        assert (answer.status, answer.error_class) == (302, "redirect")
        assert answer.headers["Location"] == elsewhere.url
        assert elsewhere.requests == []

    @pytest.mark.parametrize("status", [300, 301, 303, 304, 307, 308])
    def test_of_any_kind_are_failures_and_show_no_body(self, receiver, status):
        body = b"" if status == 304 else b"over there"
        receiver.script(receivers.answer(status, body, headers={"Location": "http://169.254.169.254/latest/"}))

        answer = sent(receiver.url)

        assert (answer.status, answer.error_class, answer.body) == (status, "redirect", "")
