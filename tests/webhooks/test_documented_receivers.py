"""The receivers in ``docs/webhooks.md`` are run as they stand there, and asked what a receiver is asked."""

import base64
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.clients.driving import ARE_INSTALLED
from tests.ports import free_port
from webhooks import signing

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "webhooks.md").read_text()
SAMPLES = dict(re.findall(r"^```\w+ ([^\n]+)\n(.*?)^```$", TEXT, re.M | re.S))
MODULES = ROOT / "tests" / "clients" / "node_modules"
PHP, GO, NODE = (shutil.which(os.environ.get(f"DEXRA_TEST_{name.upper()}", name)) for name in ("php", "go", "node"))
READY_SECONDS = 60.0  # Go compiles first

SECRET, OLD_SECRET, WRONG_SECRET = (signing.new_secret() for _ in range(3))
BODY = '{"id": "evt_1", "type": "message_in", "data": {"message_text": "Bonjour à tous ✓", "big": 1.0}}'.encode()


def command_of(label, place):
    """Write a sample to a file; returns how to run it."""
    if label.startswith("Python"):
        return [sys.executable, write(place / "receiver.py", label)]
    if label.startswith("Node"):
        (place / "node_modules").symlink_to(MODULES)
        return [NODE, write(place / "receiver.mjs", label)]
    if label == "PHP":
        return [PHP, "-S", "127.0.0.1:{port}", write(place / "receiver.php", label)]
    return [GO, "run", write(place / "receiver.go", label)]


def write(path, label):
    path.write_text(SAMPLES[label])
    return str(path)


class Running:
    """A receiver of the documentation in a process of its own."""

    def __init__(self, port, log):
        self.port, self._log = port, log

    def post(self, body, headers):
        talk = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with suppress(OSError):
            talk.request("POST", "/", body, {"content-type": "application/json", **headers})
        status = talk.getresponse().status
        talk.close()
        return status

    @property
    def acted(self):
        """How often it acted upon a message."""
        return self.log.count("message_in")

    @property
    def log(self):
        """What it wrote: a line for each event it acted upon."""
        return self._log.read_text()


@contextmanager
def running(label, place, secret=SECRET):
    port, log = free_port(), place / "log"
    command = [part.format(port=port) for part in command_of(label, place)]
    environment = {
        **os.environ, "PORT": str(port), "DEXRA_WEBHOOK_SECRET": secret, "TMPDIR": str(place),
        "HOME": os.environ.get("HOME", str(place)), "GOFLAGS": "-mod=mod", "GO111MODULE": "off",
    }  # fmt: skip
    with log.open("w") as written:
        process = subprocess.Popen(
            command, env=environment, stdout=written, stderr=written, cwd=place, start_new_session=True
        )
    try:
        await_port(port, process, log)
        yield Running(port, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)  # `go run` has a child
        process.wait(30)


def await_port(port, process, log):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


def signed(secret=SECRET, *, body=BODY, age=0.0, message_id="evt_1", more=()):
    timestamp = int(time.time() - age)
    entries = [signing.sign(each, message_id, timestamp, body) for each in (secret, *more)]
    return {
        "webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(entries)
    }  # fmt: skip


def available(label):
    found = {"Python": sys.executable, "Node": ARE_INSTALLED, "PHP": PHP, "Go": GO}[label.partition(",")[0]]
    return pytest.param(label, id=label, marks=() if found else pytest.mark.skip(f"{label} is not installed"))


RECEIVERS = ["Python", "Python, library", "Node", "Node, library", "PHP", "Go"]


@pytest.fixture(scope="module", params=[available(label) for label in RECEIVERS])
def receiver(request, tmp_path_factory):
    with running(request.param, tmp_path_factory.mktemp("receiver")) as found:
        yield found


class TestEveryReceiver:
    def test_takes_what_is_ours_and_acts_once(self, receiver):
        before = receiver.acted

        answers = [receiver.post(BODY, signed()) for _ in range(3)]

        assert answers == [204, 204, 204]
        assert receiver.acted == max(before, 1)

    def test_takes_either_secret_while_one_is_rotated(self, receiver):
        assert receiver.post(BODY, signed(SECRET, more=[OLD_SECRET])) == 204
        assert receiver.post(BODY, signed(OLD_SECRET, more=[SECRET])) == 204

    def test_passes_over_a_signature_of_another_kind(self, receiver):
        assert receiver.post(BODY, signed(signing.new_secret(signing.ED25519), more=[SECRET])) == 204

    def test_takes_what_is_a_little_late(self, receiver):
        assert receiver.post(BODY, signed(age=280)) == 204
        assert receiver.post(BODY, signed(age=-280)) == 204

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            pytest.param(BODY.replace(b"tous", b"vous"), signed, id="another body"),
            pytest.param(BODY.replace(b"1.0", b"1"), signed, id="the body written anew"),
            pytest.param(b"", signed, id="no body"),
            pytest.param(BODY, lambda: signed() | {"webhook-id": "evt_2"}, id="another id"),
            pytest.param(
                BODY, lambda: signed(age=60) | {"webhook-timestamp": str(int(time.time()))}, id="another time"
            ),
            pytest.param(BODY, lambda: signed(WRONG_SECRET), id="a wrong secret"),
            pytest.param(BODY, lambda: signed(age=320), id="too old"),
            pytest.param(BODY, lambda: signed(age=-320), id="of the future"),
            pytest.param(BODY, lambda: signed() | {"webhook-timestamp": "now"}, id="a time that is none"),
            pytest.param(BODY, lambda: signed() | {"webhook-timestamp": ""}, id="an empty time"),
            pytest.param(BODY, lambda: signed() | {"webhook-signature": ""}, id="an empty signature"),
            pytest.param(BODY, lambda: signed() | {"webhook-signature": "nonsense"}, id="nonsense"),
            pytest.param(BODY, lambda: signed() | {"webhook-signature": "v1,"}, id="half a signature"),
            pytest.param(BODY, lambda: signed(signing.new_secret(signing.ED25519)), id="only another kind"),
            pytest.param(BODY, dict, id="no headers"),
        ],
    )
    def test_refuses_what_is_not(self, receiver, body, headers):
        assert receiver.post(body, headers()) == 401

    def test_is_still_there_after_all_that(self, receiver):
        assert receiver.post(BODY, signed()) == 204


class TestByHand:
    def run(self, port, secret):
        environment = {**os.environ, "PORT": str(port), "DEXRA_WEBHOOK_SECRET": secret}
        done = subprocess.run(
            ["sh", "-eu", "-c", SAMPLES["curl"]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout.strip()

    @pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or openssl is missing")
    def test_signs_as_we_do(self, tmp_path):
        with running("Python", tmp_path) as receiver:
            assert self.run(receiver.port, SECRET) == "204"
            assert self.run(receiver.port, WRONG_SECRET) == "401"


class TestEd25519:
    @pytest.fixture
    def verify(self):
        names = {}
        exec(SAMPLES["Python, Ed25519"], names)  # noqa: S102  the documentation's own words
        return names["verify"]

    def test_takes_what_is_ours(self, verify):
        pair = signing.new_secret(signing.ED25519)

        verify(signing.public_key(pair), signed(pair), BODY)
        verify(signing.public_key(pair), signed(SECRET, more=[pair]), BODY)

    def test_takes_either_pair_while_one_is_rotated(self, verify):
        old, new = (signing.new_secret(signing.ED25519) for _ in range(2))

        for pair in (old, new):
            verify(signing.public_key(pair), signed(new, more=[old]), BODY)

    @pytest.mark.parametrize("spoil", ["body", "key", "time"])
    def test_refuses_what_is_not(self, verify, spoil):
        pair = signing.new_secret(signing.ED25519)
        public = signing.public_key(signing.new_secret(signing.ED25519) if spoil == "key" else pair)
        headers = signed(pair, age=400 if spoil == "time" else 0)

        with pytest.raises(Exception, match="not of now" if spoil == "time" else "^$"):
            verify(public, headers, BODY + b" " if spoil == "body" else BODY)


def test_the_documented_example_is_signed_truly():
    """The request shown on the page has the signature it would really have, so readers can check their code with it."""
    [shown] = re.findall(r"^```http\n(.*?)^```$", TEXT, re.M | re.S)
    head, body = shown.split("\n\n", 1)
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    key = base64.b64encode(b"a secret for the documentation !").decode()

    expected = signing.sign(
        f"whsec_{key}", headers["webhook-id"], int(headers["webhook-timestamp"]), body.rstrip("\n").encode()
    )

    assert headers["webhook-signature"] == expected
    assert f"whsec_{key}" in TEXT
