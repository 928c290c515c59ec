"""Runs a real third-party client in Node and talks to it, one JSON object a line."""

import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NODE = shutil.which("node")
ARE_INSTALLED = NODE is not None and (HERE / "node_modules").exists()
SOON = 60.0

Event = dict[str, Any]


class NodeClient:
    """One client, in a process of its own."""

    def __init__(self, script: str, *arguments: str) -> None:
        assert NODE is not None
        self.process = subprocess.Popen(
            [NODE, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE,
        )
        self._events: queue.Queue[Event] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.await_event("ready")

    def order(self, name: str, **details: Any) -> None:
        """Tell it to do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"order": name, **details}) + "\n")
        self.process.stdin.flush()

    def ask(self, name: str, **details: Any) -> Any:
        """Tell it to do something, and return the result."""
        self.order(name, **details)
        return self.await_event("done", lambda event: event["order"] == name)["result"]

    def await_event(self, name: str, matches: Callable[[Event], bool] = lambda _: True, seconds: float = SOON) -> Event:
        """Return the next event of a name; what comes before it is passed over. Raises AssertionError."""
        until = time.monotonic() + seconds
        passed = []
        while (left := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                break
            if event["event"] == name and matches(event):
                return event
            passed.append(event)
        raise AssertionError(f"no {name} within {seconds} s, only {passed[-10:]}")

    def message(self, seconds: float = SOON) -> Event:
        """Return the next message that is not about who is online."""
        return self.await_event("received", lambda event: event["message"].get("event") != "presence.update", seconds)

    def take(self) -> list[Event]:
        """Return every event there is now."""
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(SOON)
        self._reader.join(SOON)
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(json.loads(line))
