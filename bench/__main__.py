"""
Measures Dexra and prints what it found: ``make bench``, or ``make bench ONLY=cable`` for one part.

Every figure stands beside its floor in the same run, because machines differ and are shared.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dexra.settings")
os.environ["DEXRA_RATE_LIMITS"] = "off"
django.setup()

from django.conf import settings  # noqa: E402  Django has to be set up first
from django.core.management import call_command  # noqa: E402

from accounts.models import Environment  # noqa: E402
from bench import cable, faults, footprint, latency, messages, outbound, product, sdk, webhooks  # noqa: E402
from core import tenancy  # noqa: E402
from dexra.management.commands.bootstrap import bootstrap  # noqa: E402
from inboxes.queries import enter_by_identifier  # noqa: E402


def main() -> int:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[*PARTS, []], help="which parts; all when left out")
    chosen = parser.parse_args().only or list(PARTS)
    call_command("migrate", database="owner", verbosity=0)
    for name in chosen:
        print(f"\n== {name}: {(PARTS[name].__doc__ or '').splitlines()[0]}", flush=True)
        for label, value in PARTS[name]().items():
            print(f"   {label:<58} {value}", flush=True)
    return 0


def world() -> tuple[dict[str, Any], list[messages.Place]]:
    """Return credentials and sixteen conversations to write in."""
    with tenancy.everyone():
        credentials = bootstrap("Bench", "bench@example.com", operator=False)
        inbox = enter_by_identifier(credentials["live"]["inbox_identifier"])
        assert inbox is not None
        tenancy.bind(tenancy.EVERYONE)
        webhooks.clear(credentials["live"]["environment_id"])
        return credentials, messages.places(inbox)


def message_rate() -> dict[str, str]:
    """Client messages over HTTP with 16 connections, beside bare psycopg with 16 threads."""
    _, where = world()
    port = product.free_port()
    with product.web(port) as server:
        messages.over_http(port, where, seconds=2)
        processes = product.size(server.pid)
        rounds = [(messages.by_psycopg(where, seconds=5), messages.over_http(port, where, seconds=8)) for _ in range(3)]
    floors, results = [floor for floor, _ in rounds], [result for _, result in rounds]
    ratios = sorted(result.rate / floor for floor, result in rounds)
    rates = ", ".join(f"{result.rate:.0f}" for result in results)
    return {
        "psycopg alone, 16 threads (messages/s, each round)": ", ".join(f"{floor:.0f}" for floor in floors),
        f"Dexra over HTTP, 16 connections, web processes: {processes} (messages/s)": rates,
        "ratio, median of rounds (goal 0.35)": f"{ratios[1]:.2f}",
        "p50 / p99 of the median round, ms (goal p99 < 60)": _percentiles(sorted(results, key=lambda r: r.rate)[1]),
        "answers that were not 2xx": str(sum(result.failures for result in results)),
    }


def fan_out() -> dict[str, str]:
    """One broadcast to 2,000 sockets of one process."""
    credentials, _ = world()
    environment_id = credentials["live"]["environment_id"]
    identifier = latency.agent_identifier(credentials["owner"], environment_id)
    port = product.free_port()
    with product.web(port, DEXRA_WEB_PROCESSES="1") as server:
        figures = cable.fan_out(port, server.pid, identifier, f"a:{environment_id}", sockets=2000, rounds=10)
    return {
        "last of 2,000 reached, median of 10 rounds, ms (goal 80)": f"{figures.last_reached_ms[5]:.0f}",
        "best and worst round, ms": f"{figures.last_reached_ms[0]:.0f} / {figures.last_reached_ms[-1]:.0f}",
        "server CPU a frame, microseconds (goal 30)": f"{figures.cpu_us_per_frame:.1f}",
        "memory a socket, kB (goal 45)": f"{figures.kilobytes_per_socket:.1f}",
        "frames missing": str(figures.missing),
    }


def commit_to_frame() -> dict[str, str]:
    """From a message's event row to its frame, through relay and hub, at 50 messages a second."""
    credentials, where = world()
    environment_id = credentials["live"]["environment_id"]
    identifier = latency.agent_identifier(credentials["owner"], environment_id)
    port = product.free_port()
    with product.web(port), product.worker():
        product.wait_for(port, "/readyz")
        faults.Ledger(settings.DATABASE_OWNER_URL).wait_until_relayed(120)  # what earlier parts left behind
        latency.measure(port, where[0], identifier, messages=50, per_second=50)
        figures = latency.measure(port, where[0], identifier, messages=500, per_second=50)
    shares = " / ".join(f"{figures.percentile(share):.1f}" for share in (0.5, 0.95, 0.99))
    return {"p50 / p95 / p99, ms (goal p95 < 20)": shares, "frames missing": str(figures.missing)}


def webhook_engine() -> dict[str, str]:
    """One worker delivers webhooks; beside it the same with a Celery task for each delivery."""
    credentials, where = world()
    tenant = credentials["live"]["environment_id"]
    with product.worker():
        faults.Ledger(settings.DATABASE_OWNER_URL).wait_until_relayed(120)  # what earlier parts left behind
    rate, cost = webhooks.rate(tenant, deliveries=20_000)
    floor, floor_cost = webhooks.task_each_rate(tenant, deliveries=3_000, processes=1)
    doubled, _ = webhooks.task_each_rate(tenant, deliveries=3_000, processes=2)
    took = webhooks.message_to_webhook(tenant, where, per_second=200, seconds=10)
    alone = webhooks.beside_a_hanging_one(tenant, hanging=0, per_second=400, seconds=10)
    beside = webhooks.beside_a_hanging_one(tenant, hanging=1, per_second=400, seconds=10)
    killed = webhooks.kill_in_full_load(tenant, deliveries=6_000)
    return {
        "deliveries a second of one worker (goal 1,500)": f"{rate:.0f}",
        "CPU of the worker a delivery, microseconds (goal 350)": f"{cost:.0f}",
        "a Celery task for each, one process, deliveries a second": f"{floor:.0f} ({doubled:.0f} with two)",
        "CPU of that a delivery, microseconds": f"{floor_cost:.0f}",
        "ratio by deliveries a core (goal 8) / by deliveries a second": f"{floor_cost / cost:.1f} / {rate / floor:.1f}",
        "message to webhook at 200/s, p50 / p95, ms (goals 60, 150)": f"{_at(took, 0.5):.0f} / {_at(took, 0.95):.0f}",
        "healthy p95 alone / beside a hanging one, ms (goal < 2x)": f"{_at(alone, 0.95):.0f} / {_at(beside, 0.95):.0f}",
        "SIGKILL in full load: never delivered / doubled / in flight": (
            f"{killed.missing} / {killed.doubled} / {killed.in_flight}"
        ),
        "SIGKILL in full load: done after, s (goal lease 60 + 5)": f"{killed.seconds:.0f}",
    }


def outbound_engine() -> dict[str, str]:
    """One worker sends through a provider that answers in 50 ms."""
    credentials, _ = world()
    with tenancy.everyone():
        neighbour = bootstrap("Neighbour", "neighbour@example.com", operator=False)
        tenancy.bind(tenancy.EVERYONE)
        busy, other = (Environment.objects.get(pk=each["live"]["environment_id"]) for each in (credentials, neighbour))
    with outbound.at_provider() as port:
        rate, cost = outbound.rate(port, busy, count=6_000, bots=80)
        idle = outbound.idle(port, busy, count=100)
        backlog = outbound.beside_a_backlog(port, busy, other, backlog=10_000, tries=10)
        campaign = outbound.beside_a_campaign(port, busy, campaign=2_000, tries=20)
        killed = outbound.kill_in_full_load(port, busy, count=4_000)
    return {
        "messages a second of one worker (goal 400)": f"{rate:.0f}",
        "CPU of the worker a message, milliseconds": f"{cost:.2f}",
        "accepted to provider when idle, p50 / p95, ms (goal p50 80)": f"{_at(idle, 0.5):.0f} / {_at(idle, 0.95):.0f}",
        "another tenant beside 10,000 waiting, p50 / worst, ms (goal < 1,000)": (
            f"{_at(backlog, 0.5):.0f} / {backlog[-1]:.0f}"
        ),
        "a code beside a campaign of the same bot, p50 / worst, ms (goal < 500)": (
            f"{_at(campaign, 0.5):.0f} / {campaign[-1]:.0f}"
        ),
        "SIGKILL in full load: lost / doubled (goals 0, 0)": f"{killed.lost} / {killed.doubled}",
        "SIGKILL in full load: in flight / in doubt / wrongly told": (
            f"{killed.in_flight} / {killed.in_doubt} / {killed.wrong}"
        ),
        "SIGKILL in full load: done after, s (goal lease 90 + 5)": f"{killed.seconds:.0f}",
    }


def start_and_memory() -> dict[str, str]:
    """The whole product of ``make run``: first start, warm start, memory while idle."""
    data, port = Path(tempfile.mkdtemp(prefix="dexra-bench-")), product.free_port()
    try:
        first, warm = footprint.start_seconds(data, port), footprint.start_seconds(data, port)
        used = footprint.idle_megabytes(data, port)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return {
        "first start, everything installed, s": f"{first:.1f}",
        "warm start, s (goal 6)": f"{warm:.1f}",
        "idle memory (PSS), MB (goal 700)": ", ".join(f"{name} {size:.0f}" for name, size in used.items()),
    }


def script_in_a_page() -> dict[str, str]:
    """The SDK's script in Chromium, on a page of another origin."""
    data, port = Path(tempfile.mkdtemp(prefix="dexra-sdk-")), product.free_port()
    try:
        seen = sdk.measure(data, port)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return {
        "script here to first paint of its button, ms (goal 300)": f"{seen['paint']:.0f}",
        "messages in the list": f"{seen['messages']:.0f}",
        "longest task while they scroll, ms (goal < 100)": f"{seen['longest_task']:.0f}",
        "the same for as many plain paragraphs, ms": f"{seen['floor_longest_task']:.0f}",
    }


def killing_things() -> dict[str, str]:
    """SIGKILL to worker, web and Redis while 8 clients write; what was accepted is there, once and in order."""
    data, port = Path(tempfile.mkdtemp(prefix="dexra-faults-")), product.free_port()
    try:
        with footprint.launched(data, port) as launcher:
            product.wait_for(port, "/readyz")
            demo = json.loads((data / "demo.json").read_text())
            return _fault_run(launcher.pid, port, demo["live"]["inbox_identifier"], faults.Ledger(_superuser(data)))
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _fault_run(launcher: int, port: int, inbox: str, ledger: faults.Ledger) -> dict[str, str]:
    paths = faults.open_conversations(port, inbox, count=8)
    stop = threading.Event()
    threads, told = faults.write(port, paths, stop)
    for words in (("celery", "worker"), ("dexra.serve",), ("redis-server",), ("celery", "worker")):
        time.sleep(4)
        if pid := faults.find_child(launcher, words):
            faults.kill(pid)
    time.sleep(6)
    stop.set()
    for thread in threads:
        thread.join()
    accepted = sum(len(names) for names in told.accepted.values())
    pending = ledger.wait_until_relayed(60)
    return {
        "messages accepted / refused and retried meanwhile": f"{accepted} / {told.refused}",
        "accepted but not stored exactly once": str(len(ledger.missing(told))),
        "events never relayed": str(pending),
        "conversations with a gap in their sequence": str(ledger.gaps()),
        "events out of order in the feed": str(ledger.disorder()),
    }


def _superuser(data: Path) -> str:
    sockets = next(data.rglob(".s.PGSQL.*[0-9]")).parent
    return f"postgresql://postgres@/dexra?host={sockets}"


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _percentiles(result: Any) -> str:
    return f"{result.percentile(0.5) * 1000:.0f} / {result.percentile(0.99) * 1000:.0f}"


PARTS: dict[str, Callable[[], dict[str, str]]] = {
    "messages": message_rate,
    "cable": fan_out,
    "latency": commit_to_frame,
    "webhooks": webhook_engine,
    "outbound": outbound_engine,
    "footprint": start_and_memory,
    "sdk": script_in_a_page,
    "faults": killing_things,
}

if __name__ == "__main__":
    sys.exit(main())
