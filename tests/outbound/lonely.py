"""The engine as a process of its own, with leases short enough to wait for: ``python -m tests.outbound.lonely 3``."""

import sys
import threading

import django

django.setup()

from django.conf import settings  # noqa: E402  Django first

from inboxes import channels  # noqa: E402
from outbound.engine import OutboundEngine  # noqa: E402
from tests.outbound.toys import Toy  # noqa: E402

if __name__ == "__main__":
    settings.PROVIDER_BASES["toy"] = sys.argv[1]
    channels.REGISTRY["toy"] = Toy()
    OutboundEngine().run(threading.Event())
