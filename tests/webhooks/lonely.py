"""The engine as a process of its own, with leases short enough to wait for: ``python -m tests.webhooks.lonely 3``."""

import sys
import threading

import django

django.setup()

from webhooks.engine import WebhookEngine  # noqa: E402  Django first
from webhooks.services import claims, dispatching  # noqa: E402

if __name__ == "__main__":
    claims.LEASE_SECONDS = float(sys.argv[1])
    dispatching.SPARE_SECONDS = 1.0
    WebhookEngine().run(threading.Event())
