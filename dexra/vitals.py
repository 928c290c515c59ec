"""How this installation is doing, for the admin's first page and for ``/metrics``: queues, workers, stores."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from redis import RedisError

from core import redis as redis_connections
from dexra import pulse, tally
from events import backlog
from events.backlog import Backlog, Days
from inbound import backlog as callbacks
from outbound import backlog as messages
from realtime import queries as realtime
from webhooks import backlog as deliveries

OLD_SECONDS, VERY_OLD_SECONDS = 5, 60
DAYS_AHEAD = 2
MANY_FAIL = 3

# The list that shows what waits in a queue, and what limits it to what waits or, where it is late, to that.
LISTS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "events": ("admin:events_loggedevent_changelist", "place=pending", "place=late"),
        "broadcasts": ("admin:realtime_heldbroadcast_changelist", "", ""),
        **{
            f"outbound_{lane}": ("admin:inboxes_inbox_changelist", "", "")
            for lane in ("urgent", "normal", "bulk", "held")
        },
        **{
            f"webhooks_{lane}": (
                "admin:webhooks_delivery_changelist",
                f"state=pending&lane={lane}",
                f"state=late&lane={lane}",
            )
            for lane in ("first", "retry", "sandbox")
        },
        "webhooks_busy": ("admin:webhooks_health_changelist", "state=waiting", "state=waiting"),
    }
)
# What waits there waits for somebody else's server, which has as much to do as it may, or wants to be left alone.
WAITS_FOR_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "webhooks_busy": "Their own endpoints have as much to do as they may.",
        "outbound_held": "Their providers take no more now, or refuse the inbox.",
    }
)
KEPT_BY_DAYS: Mapping[str, str] = MappingProxyType(
    {"events_event": "Event log", "webhooks_body": "Webhook bodies", "webhooks_attempt": "Webhook attempts"}
)
DATABASE = """
SELECT current_setting('server_version'), pg_database_size(current_database()), sum(numbackends)::int,
       current_setting('max_connections')::int
FROM pg_stat_database
"""


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing to look at. ``state`` is ok, warn or bad; ``note`` says what is behind it, or what to do."""

    label: str
    value: str
    state: str = "ok"
    note: str = ""
    url: str = ""


def signs() -> list[Sign]:
    """Return the state of everything, worst things included. Raises django.db.Error; a missing Redis is a sign."""
    queues = [_queue(name, waits) for name, waits in backlogs().items()]
    today, found = timezone.now().date(), backlog.days(*KEPT_BY_DAYS)
    days = [_days(label, found[table], today) for table, label in KEPT_BY_DAYS.items()]
    return [*queues, _endpoints(), _relay(), _workers(), _sockets(), _redis(), *_database(), *days]


def backlogs() -> dict[str, Backlog]:
    """Return what waits in every queue. Whatever else becomes one is added here. Raises django.db.Error."""
    webhooks = {f"webhooks_{lane}": waits for lane, waits in deliveries.lanes().items()}
    ours = {"events": backlog.backlog(), "broadcasts": realtime.held_back(), "callbacks": callbacks.backlog()}
    providers = {f"outbound_{lane}": waits for lane, waits in messages.lanes().items()}
    return {**ours, **providers, **webhooks}


def _queue(name: str, waits: Backlog) -> Sign:
    state = "ok"
    if name not in WAITS_FOR_OTHERS and waits.waiting and waits.oldest_seconds > OLD_SECONDS:
        state = "bad" if waits.oldest_seconds > VERY_OLD_SECONDS else "warn"
    note = f"The oldest for {_span(waits.oldest_seconds)}" if waits.waiting else "Nothing waits."
    note += f"; {waits.late:,} for more than {backlog.LATE_SECONDS} s." if waits.late else "." if waits.waiting else ""
    if waits.waiting and name in WAITS_FOR_OTHERS:
        note += f" {WAITS_FOR_OTHERS[name]}"
    page, waiting, late = LISTS.get(name, ("", "", ""))
    url = f"{reverse(page)}?{late if waits.late else waiting}".removesuffix("?") if page else ""
    return Sign(f"Queue: {name.replace('_', ', ')}", f"{waits.waiting:,} waiting", state, note, url)


def _endpoints() -> Sign:
    """Say which customers' servers fail; when most of those at work do, the fault is likely here."""
    found = deliveries.standing()
    state = "warn" if found.failing >= MANY_FAIL and found.failing * 2 > found.at_work else "ok"
    note = f"{found.failing:,} failing" + (f": {', '.join(found.worst)}" if found.worst else "")
    note += f"; {found.switched_off:,} switched off because of it."
    note += " Most of those at work fail: does this installation reach anybody?" if state == "warn" else ""
    url = f"{reverse('admin:webhooks_endpoint_changelist')}?state={'failing' if found.failing else 'active'}"
    if found.unsigned:
        state, url = "bad", f"{reverse('admin:webhooks_health_changelist')}?state=unsigned"
        note = (
            f"For {found.unsigned:,} nothing can be signed: no key in DEXRA_ENCRYPTION_KEY opens their secrets. {note}"
        )
    return Sign("Webhook endpoints", f"{found.active:,} active", state, note, url)


def _relay() -> Sign:
    if backlog.has_relay():
        return Sign("Event relay", "At work", note="One worker hands events to their handlers.")
    return Sign("Event relay", "Nobody", "bad", "No worker relays events: start one. Nothing is lost meanwhile.")


def _workers() -> Sign:
    try:
        workers = pulse.seen("worker")
    except RedisError:
        return Sign("Workers", "Unknown", "warn", "They are seen through Redis, which is away.")
    if not workers:
        return Sign("Workers", "None", "bad", f"No sign of life in {pulse.SEEN_SECONDS} s.")
    return Sign("Workers", f"{len(workers)} alive", note=", ".join(workers[:5]))


def _sockets() -> Sign:
    """Count the sockets of this server; a cable of its own tells its own count at its own ``/metrics``."""
    here = tally.registry().get_sample_value("dexra_cable_sockets")
    if here is None or os.environ.get("DEXRA_ROLE") == "web":
        return Sign("Sockets", "Elsewhere", note="This server has no cable; those that are one say it at /metrics.")
    return Sign("Sockets", f"{int(here):,} open", note="On this server; others say theirs at their /metrics.")


def _redis() -> Sign:
    started = time.perf_counter()
    try:
        told: dict[str, Any] = redis_connections.client().info()
    except RedisError:
        return Sign("Redis", "Away", "bad", "Rate limits are open, and pushes wait until it is back. Nothing is lost.")
    took = (time.perf_counter() - started) * 1000
    note = f"{filesizeformat(told['used_memory'])} used, {told['connected_clients']} clients, {took:.1f} ms."
    return Sign("Redis", str(told["redis_version"]), note=note)


def _database() -> list[Sign]:
    with connection.cursor() as cursor:
        cursor.execute(DATABASE)
        version, size, used, most = cursor.fetchone()
    state = "ok" if used < most * 0.8 else "warn" if used < most * 0.95 else "bad"
    return [
        Sign("PostgreSQL", version.partition(" ")[0], state, f"{used} of {most} connections are open."),
        Sign("Database size", filesizeformat(size)),
    ]


def _days(label: str, days: Days, today: date) -> Sign:
    note = f"One partition a day, until {days.last}; {filesizeformat(days.size_bytes)}."
    if days.last is None or days.last < today + timedelta(days=DAYS_AHEAD):
        return Sign(label, f"{days.count} days", "bad", note + " Nobody makes new days: is beat at work?")
    if days.has_strays:
        return Sign(label, f"{days.count} days", "warn", note + " Some rows are in the default partition.")
    return Sign(label, f"{days.count} days", note=note)


def _span(seconds: float) -> str:
    """Return a length of time as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
