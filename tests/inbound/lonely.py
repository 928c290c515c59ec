"""The engine as a process of its own: ``python -m tests.inbound.lonely``."""

import threading

import django

django.setup()

from inbound.engine import InboundEngine  # noqa: E402  Django first

if __name__ == "__main__":
    InboundEngine().run(threading.Event())
