"""The cable on real servers: uvicorn as ``dexra.serve`` runs it, and daphne."""

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psutil
import pytest

from realtime.services import broker, limits
from realtime.services.broker import Publication
from tests.engines import until
from tests.realtime.resuming import until_kept
from tests.realtime.serving import SOON, Closed, Server

pytestmark = pytest.mark.slow

Start = Callable[..., Server]
KINDS = ["uvicorn", "daphne"]
lasting_ones = pytest.mark.xdist_group("lasting")  # one process of the tests starts them


@pytest.fixture
def start(world, tmp_path) -> Iterator[Start]:
    """Starts servers that end with the test."""
    servers: list[Server] = []

    def begin(name: str = "uvicorn", **options: Any) -> Server:
        servers.append(Server(name, tmp_path / f"{name}-{len(servers)}.log", **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


@pytest.fixture(params=KINDS)
def server(request, start) -> Server:
    """A server of each kind."""
    return start(request.param)


@pytest.fixture(scope="module")
def lasting(django_db_setup, tmp_path_factory) -> Iterator[dict[str, Server]]:
    """A server of each kind that goes on from test to test."""
    place = tmp_path_factory.mktemp("lasting")
    with ExitStack() as ends:
        servers = {}
        for name in KINDS:
            servers[name] = Server(name, place / name)
            ends.callback(servers[name].kill)
        yield servers


@pytest.fixture(params=KINDS)
def serving(request, lasting) -> Server:
    """A server of each kind, for who only looks at a connection of their own."""
    return lasting[request.param]


def publish(stream: str, *numbers: int) -> None:
    broker.publish(
        [Publication(stream, json.dumps({"event": "x", "data": {"n": n}}).encode(), f"k{n}") for n in numbers]
    )


@lasting_ones
class TestHandshake:
    @pytest.mark.parametrize(
        ("offered", "chosen"),
        [
            (["actioncable-v1-json", "actioncable-unsupported"], "actioncable-v1-json"),
            (["actioncable-v1-ext-json", "anycable-token.secret"], "actioncable-v1-ext-json"),
            ([], None),
        ],
    )
    def test_answers_with_the_protocol_the_client_offered(self, serving, offered, chosen):
        client = serving.connect(*offered)

        assert client.subprotocol == chosen
        assert client.frame()["type"] == "welcome"

    def test_answers_a_plain_request_as_rails_does(self, serving):
        status, headers, body = serving.get("/cable")

        assert (status, headers["content-type"], body) == (404, "text/plain; charset=utf-8", b"Page not found")

    def test_refuses_other_paths(self, serving):
        assert serving.connect(path="/elsewhere").response.status_code == 403

    def test_keeps_tokens_and_secrets_out_of_the_log(self, server):
        server.connect("actioncable-v1-ext-json", path="/cable?pubsub_token=t0ken&sid=s3cret").frame()
        server.connect("actioncable-v1-ext-json", "anycable-token.t0ken").frame()
        server.terminate()

        assert "t0ken" not in server.output
        assert "s3cret" not in server.output


@lasting_ones
class TestService:
    def test_delivers_in_order(self, serving, world, visitor, stream):
        client = serving.connect("actioncable-v1-ext-json")
        client.frame()
        assert client.subscribe(visitor)["type"] == "confirm_subscription"

        for start in range(1, 301, 20):
            publish(stream, *range(start, start + 20))

        assert [client.frame()["offset"] for _ in range(300)] == list(range(1, 301))

    def test_pings(self, serving):
        client = serving.connect()
        client.text()

        assert json.loads(client.text())["type"] == "ping"

    def test_cuts_frames_that_are_too_large(self, serving):
        client = serving.connect()
        client.text()
        client.say_text(json.dumps({"command": "ping", "filler": "x" * 70_000}))

        with pytest.raises(Closed) as end:
            client.frame()
        assert end.value.code in (1009, None)  # daphne closes before everything has been read

    def test_takes_random_bytes(self, serving):
        client = serving.connect()
        client.text()
        for number in range(19):
            client.say_bytes(bytes(range(number, 200)))
        client.say(command="ping")

        assert client.frame() == {"type": "pong"}

    def test_survives_bytes_that_are_no_websocket(self, serving):
        client = serving.connect()
        client.text()
        client._socket.sendall(b"\xff" * 300)

        assert serving.connect().frame()["type"] == "welcome"

    def test_serves_the_rest_of_the_product_too(self, serving):
        status, headers, _ = serving.get("/healthz")

        assert (status, headers["content-type"]) == (200, "application/json")


class TestDrain:
    def test_sends_clients_off_and_ends_cleanly(self, server, visitor):
        clients = [server.connect("actioncable-v1-json") for _ in range(5)]
        for client in clients:
            client.frame()
            client.subscribe(visitor)

        code = server.terminate()

        for client in clients:
            assert client.frame() == {"type": "disconnect", "reason": "server_restart", "reconnect": True}
            with pytest.raises(Closed) as end:
                client.text()
            assert end.value.code in (1000, 1001)
        assert code == 0
        assert "Traceback" not in server.output

    def test_takes_control_c_as_well(self, server):
        server.connect().frame()
        server.process.send_signal(signal.SIGINT)

        assert server.process.wait(SOON) == 0

    def test_ends_at_once_on_a_second_signal(self, server):
        stuck = server.connect()
        stuck.frame()
        for _ in range(200):  # enough for a drain of four seconds
            server.connect()
        server.process.send_signal(signal.SIGTERM)
        until(lambda: server.get("/readyz")[0] == 503)
        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(SOON) == 128 + signal.SIGTERM  # 0 at the end of the drain

    def test_is_not_ready_meanwhile_and_takes_no_new_sockets(self, start):
        server = start("uvicorn", DEXRA_CABLE_DRAIN_SECONDS="60")
        clients = [server.connect() for _ in range(400)]  # enough for a drain of eight seconds
        server.process.send_signal(signal.SIGTERM)
        until(lambda: server.get("/readyz")[0] == 503)

        assert server.get("/healthz")[0] == 200
        assert server.connect().response.status_code == 403
        for client in clients:
            client.break_off()  # and it ends earlier
        assert server.process.wait(SOON) == 0

    def test_ends_even_with_a_request_in_the_middle(self, server):
        server.connect().frame()
        with socket.create_connection(("127.0.0.1", server.port)) as upload:
            upload.sendall(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\npart")
            time.sleep(0.3)
            upload.close()

            assert server.terminate() == 0


class TestAfterAKill:
    def test_another_process_goes_on_where_the_first_stopped(self, start, visitor, stream):
        first, second = start("uvicorn"), start("uvicorn")
        client = first.connect("actioncable-v1-ext-json")
        sid = client.frame()["sid"]
        client.subscribe(visitor)
        publish(stream, 1)
        position = client.frame()
        until_kept(sid, visitor)
        first.process.kill()
        publish(stream, 2)

        again = second.connect("actioncable-v1-ext-json", path=f"/cable?sid={sid}")
        assert again.frame()["restored_ids"] == [visitor]
        where = {stream: {"epoch": position["epoch"], "offset": position["offset"]}}
        again.say(command="history", identifier=visitor, history={"since": 0, "streams": where})

        assert again.frame()["offset"] == 2
        assert again.frame()["type"] == "confirm_history"


class TestSlowClient:
    def test_is_cut_without_costing_others_time_or_memory(self, start, visitor, stream):
        server = start("uvicorn")
        slow = server.connect("actioncable-v1-json", receive_buffer=4096)
        good = server.connect("actioncable-v1-json")
        for client in (slow, good):
            client.frame()
            assert client.subscribe(visitor)["type"] == "confirm_subscription"
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        filler = "x" * 20_000

        worst = 0.0
        for number in range(600):
            payload = json.dumps({"event": "x", "data": {"n": number, "filler": filler}}).encode()
            began = time.monotonic()
            broker.publish([Publication(stream, payload, f"k{number}")])
            assert good.frame()["message"]["data"]["n"] == number
            worst = max(worst, time.monotonic() - began)

        assert worst < limits.OUTBOX_SECONDS  # a server that waited for the slow one would wait so long
        assert process.memory_info().rss - before < 6_000_000
        assert '"realtime' not in server.output
        metrics = server.get("/metrics")[2].decode()
        assert 'dexra_cable_disconnects_total{reason="too_slow"} 1.0' in metrics
        until(lambda: b"dexra_cable_sockets 1.0" in server.get("/metrics")[2])


class TestRoles:
    def test_cable_serves_the_cable_and_what_operators_ask_for(self, start):
        server = start("uvicorn", role="cable")

        assert server.connect().frame()["type"] == "welcome"
        assert server.get("/healthz")[0] == 200
        assert server.get("/v1/conversations")[0] == 404
        assert server.get("/admin/")[0] == 404

    def test_web_serves_everything_but_the_cable(self, start):
        server = start("uvicorn", role="web")

        assert server.connect().response.status_code == 403
        assert server.get("/admin/login/")[0] == 200
        assert server.terminate() == 0
