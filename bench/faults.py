"""
Killing things under load: what was accepted must be there, and must be shown once and in order.

While clients write as fast as they are answered, the worker, the web process and Redis are killed with SIGKILL and come
back. Afterwards every message that was answered with 200 must be stored, every event relayed, and every conversation's
feed gap-free.
"""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg


@dataclass
class Told:
    """What the writers saw: accepted client ids by conversation, and refusals while something was away."""

    accepted: dict[str, list[str]] = field(default_factory=dict)
    refused: int = 0


def write(port: int, paths: Sequence[str], stop: threading.Event) -> tuple[list[threading.Thread], Told]:
    """Start one writer for each conversation; each retries a message under the same client id until it is accepted."""
    told = Told()
    threads = [threading.Thread(target=_writer, args=(port, path, stop, told)) for path in paths]
    for thread in threads:
        thread.start()
    return threads, told


def _writer(port: int, path: str, stop: threading.Event, told: Told) -> None:
    mine: list[str] = []
    told.accepted[path] = mine
    number = 0
    while not stop.is_set():
        number += 1
        name = f"{path[-60:-9]}-{number}"
        while not _post(port, path, name):
            told.refused += 1
            time.sleep(0.1)
            if stop.is_set():
                return
        mine.append(name)
        time.sleep(0.01)


def _post(port: int, path: str, name: str) -> bool:
    body = json.dumps({"content": name, "echo_id": name}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310  always http to 127.0.0.1
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, TimeoutError):
        return False


def kill(pid: int) -> None:
    """End a process as the kernel's OOM killer would."""
    os.kill(pid, signal.SIGKILL)


def find_child(launcher: int, words: Sequence[str]) -> int | None:
    """Return the process below the launcher whose command line has all these words."""
    for child in psutil.Process(launcher).children(recursive=True):
        try:
            line = " ".join(child.cmdline())
        except psutil.NoSuchProcess:
            continue
        if all(word in line for word in words):
            return int(child.pid)
    return None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Asks the database of the product under test what has become of everything."""

    dsn: str

    def wait_until_relayed(self, seconds: float) -> int:
        """Wait until no event is pending and nothing is held back; returns how many still are."""
        deadline, pending = time.monotonic() + seconds, -1
        while time.monotonic() < deadline:
            pending = self._one("SELECT count(*) FROM events_event WHERE position IS NULL")
            pending += self._one("SELECT count(*) FROM realtime_heldbroadcast")
            if pending == 0:
                break
            time.sleep(0.2)
        return pending

    def missing(self, told: Told) -> list[str]:
        """Return the accepted messages that are not stored exactly once."""
        accepted = [name for names in told.accepted.values() for name in names]
        with psycopg.connect(self.dsn) as database:
            database.execute("SELECT set_config('dexra.environment', '0', true)")
            rows = database.execute(
                "SELECT client_message_id, count(*) FROM conversations_message"
                " WHERE client_message_id = ANY(%s) GROUP BY 1",
                [accepted],
            ).fetchall()
        stored: dict[str, int] = dict(rows)
        return [name for name in accepted if stored.get(name) != 1]

    def gaps(self) -> int:
        """Return how many conversations have a hole or a repetition in their events' sequence."""
        return self._one(
            """SELECT count(*) FROM (
                   SELECT conversation_id FROM events_event WHERE conversation_id IS NOT NULL GROUP BY 1
                   HAVING count(*) <> max(sequence) OR count(DISTINCT sequence) <> count(*)) AS broken"""
        )

    def disorder(self) -> int:
        """Return how many events were given a place in the feed before an earlier one of their conversation."""
        return self._one(
            """SELECT count(*) FROM (
                   SELECT sequence, lag(sequence) OVER (PARTITION BY conversation_id ORDER BY position) AS before
                   FROM events_event WHERE conversation_id IS NOT NULL AND position IS NOT NULL) AS feed
               WHERE before > sequence"""
        )

    def _one(self, query: str) -> int:
        with psycopg.connect(self.dsn) as database:
            database.execute("SELECT set_config('dexra.environment', '0', true)")
            row = database.execute(query).fetchone()
            return int(row[0]) if row else 0


def open_conversations(port: int, inbox: str, *, count: int) -> list[str]:
    """Open that many people's conversations over the client API and return where their messages go."""
    base = f"/public/api/v1/inboxes/{inbox}/contacts"
    paths = []
    for _ in range(count):
        source = _json(port, base)["source_id"]
        number = _json(port, f"{base}/{source}/conversations")["id"]
        paths.append(f"{base}/{source}/conversations/{number}/messages")
    return paths


def _json(port: int, path: str) -> dict[str, Any]:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=b"{}", headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  always http to 127.0.0.1
        found: dict[str, Any] = json.load(answer)
        return found
