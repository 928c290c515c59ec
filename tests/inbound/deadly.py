"""The engine in a process that dies of reading a certain word: ``python -m tests.inbound.deadly``."""

import os
import threading
from typing import Any

import django

django.setup()

from inbound import engine  # noqa: E402  Django first
from inbound.services.reading import Job, read  # noqa: E402

WORD = b"end of the worker"


def read_or_die(row: Any, inbox: Any) -> Job:
    """Read a callback as ever, or die as by a library's fault, when there is no time for a last word."""
    if WORD in bytes(row.body):
        os._exit(139)
    return read(row, inbox)


if __name__ == "__main__":
    engine.read = read_or_die  # type: ignore[attr-defined]  # what it imported
    engine.InboundEngine().run(threading.Event())
