"""Restarts the PostgreSQL beside it while the engine is in full work, and counts what arrived."""

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402  Django first
from django.db import Error as DatabaseFailure  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services import environments  # noqa: E402
from core import tenancy  # noqa: E402
from tests.engines import until  # noqa: E402
from tests.webhooks.receivers import Receiver, answer  # noqa: E402
from tests.webhooks.working import at_work, open_endpoint, queue  # noqa: E402
from webhooks.models import Delivery  # noqa: E402

COUNT = 300


def main() -> None:
    """Deliver, restart the server twice meanwhile, and print what arrived."""
    call_command("migrate", database="owner", verbosity=0)
    tenancy.bind(tenancy.EVERYONE)
    account = environments.open_account(name="Acme", owner=User.objects.create_user("ada@acme.test", "correct horse"))
    live = environments.environment_of(account, "live")
    with Receiver(answer(delay=0.1)) as receiver:
        endpoints = [open_endpoint(live, receiver.at(f"/{number}")) for number in range(3)]
        with at_work():
            for endpoint in endpoints:
                queue(endpoint, COUNT // len(endpoints))
            for count in (COUNT // 4, COUNT // 2):
                receiver.wait_for(count, 60)
                restart()
            until(lambda: delivered() == COUNT, 90)
        counts = Counter(request.headers["webhook-id"] for request in receiver.requests)
    print(f"delivered={delivered()} distinct={len(counts)} repeated={sum(counts.values()) - len(counts)}")  # noqa: T201


def restart() -> None:
    """Stop the server as an operator does; whoever started it starts it again."""
    note = Path(os.environ["DEXRA_DATA_DIR"]) / "postgres" / "postmaster.pid"
    before = note.read_text().splitlines()[0]
    os.kill(int(before), signal.SIGINT)
    ends = time.monotonic() + 90
    while not note.exists() or note.read_text().splitlines()[:1] in ([], [before]):
        if time.monotonic() > ends:
            sys.exit("PostgreSQL was not started again")
        time.sleep(0.05)


def delivered() -> int:
    """Return how many arrived, as far as the database answers."""
    try:
        tenancy.bind(tenancy.EVERYONE)
        return Delivery.unscoped.filter(state="delivered").count()
    except DatabaseFailure:
        connection.close()
        return 0


if __name__ == "__main__":
    main()
