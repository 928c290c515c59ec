"""The engine as a process of its own, which can be killed: ``python -m tests.webhooks.lonely``."""

import threading

import django

django.setup()

from webhooks.engine import WebhookEngine  # noqa: E402  Django first

if __name__ == "__main__":
    WebhookEngine().run(threading.Event())
