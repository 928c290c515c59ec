"""
The outbound engine: how many messages a second, how long from accepted to the provider, what a backlog and a campaign
do to others, and what a SIGKILL in full load leaves undone or done twice.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Environment
from bench import counting, product, provider
from bench.counting import wait_for
from contacts.models import Contact, ContactSession
from conversations.models import Conversation, Message
from conversations.services import messages
from conversations.services.messages import Author, Draft
from core import tenancy
from inboxes.models import Inbox
from outbound.models import Dispatch, Line
from outbound.services import hints, queueing
from outbound.services.queueing import Options

ANSWERS_AFTER = 0.05
PATIENCE_SECONDS = 240.0
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Stage:
    """Bots of one tenant, all at one provider."""

    environment: Environment
    bots: Sequence[Inbox]
    port: int


@contextmanager
def at_provider() -> Iterator[int]:
    """Start a provider that answers in 50 ms."""
    port = product.free_port()
    with product.process("-m", "bench.provider", str(port), str(ANSWERS_AFTER)):
        wait_for(lambda: counting.count(port) == 0, 10)
        yield port


@contextmanager
def stage(port: int, environment: Environment, *, bots: int) -> Iterator[Stage]:
    """Open bots at a provider; they and all that was said by them are gone afterwards."""
    with tenancy.everyone():
        made = [
            Inbox.unscoped.create(
                environment=environment, channel="telegram", name=f"Bot {number}",
                settings={"bot_token": f"{number + 1}:bench-{uuid4().hex}"},
            )
            for number in range(bots)
        ]  # fmt: skip
        try:
            yield Stage(environment, made, port)
        finally:
            _clear(made)


def pour(on: Stage, count: int, *, prefix: str = "m", **fields: Any) -> list[str]:
    """Queue that many messages, each to somebody else, spread over the bots; returns what they say."""
    texts = list[str]()
    for start in range(0, count, CHUNK):
        texts += _pour(on, [f"{prefix}-{number}" for number in range(start, min(count, start + CHUNK))], fields)
    _wake(on)
    return texts


def rate(port: int, environment: Environment, *, count: int, bots: int) -> tuple[float, float]:
    """Return messages a second of one worker, and its CPU milliseconds for each."""
    with stage(port, environment, bots=bots) as on, _worker(port) as worker:
        _warm(on)
        before, used = counting.count(port), product.cpu_seconds(worker.pid)
        pour(on, count)
        wait_for(lambda: counting.count(port) >= before + count, PATIENCE_SECONDS)
        wait_for(lambda: _open(on) == 0, 60)
        used = product.cpu_seconds(worker.pid) - used
        times = sorted(one.at for one in provider.taken(port)[before:])
    # The first and the last hundredth are the beginning and the end, not the pace.
    edge = len(times) // 100
    return (len(times) - 2 * edge) / (times[-edge - 1] - times[edge]), used / count * 1000


def idle(port: int, environment: Environment, *, count: int) -> list[float]:
    """Return sorted milliseconds from a message's commit to its arrival, while nothing else is sent."""
    with stage(port, environment, bots=20) as on, _worker(port):
        pour(on, 40, prefix="warm")
        wait_for(lambda: _open(on) == 0, 60)
        accepted = {}
        for number in range(count):
            time.sleep(0.1)
            accepted[f"idle-{number}"] = _say(on, on.bots[number % len(on.bots)], f"idle-{number}")
        wait_for(lambda: _open(on) == 0, 60)
        came = {one.text: one.at for one in provider.taken(port)}
    return sorted((came[text] - at) * 1000 for text, at in accepted.items())


def beside_a_backlog(port: int, busy: Environment, other: Environment, *, backlog: int, tries: int) -> list[float]:
    """Return sorted milliseconds to the provider of one tenant's messages, while another's backlog is sent."""
    with stage(port, busy, bots=80) as on, stage(port, other, bots=1) as beside, _worker(port):
        _warm(beside)
        pour(on, backlog)
        return _beside(port, on, beside, tries, {})


def beside_a_campaign(port: int, environment: Environment, *, campaign: int, tries: int) -> list[float]:
    """Return sorted milliseconds to the provider of codes, while the same bot sends a campaign in the normal lane."""
    with stage(port, environment, bots=1) as on, _worker(port):
        _warm(on)
        pour(on, campaign)
        return _beside(port, on, on, tries, {"category": "authentication"})


@dataclass(frozen=True, slots=True)
class Killed:
    """What a SIGKILL in full load left: messages never sent, sent twice, in doubt; and how many were in flight."""

    lost: int
    doubled: int
    in_doubt: int
    in_flight: int
    wrong: int  # said to be in doubt that the provider never saw, or said to be sent that it never saw
    seconds: float


def kill_in_full_load(port: int, environment: Environment, *, count: int) -> Killed:
    """Kill the worker while it sends, start another, and count."""
    with stage(port, environment, bots=80) as on:
        with _worker(port) as worker:
            _warm(on)
            before = counting.count(port)
            texts = set(pour(on, count, prefix="kill"))
            wait_for(lambda: counting.count(port) >= before + count // 3, 60)
            worker.kill()
            worker.wait()
        in_flight, killed_at = _in_state(on, "sending"), time.monotonic()
        with _worker(port):
            wait_for(lambda: _open(on) == 0, PATIENCE_SECONDS)
            took = time.monotonic() - killed_at
        got = Counter(one.text for one in provider.taken(port) if one.text in texts)
        doubtful, sent = _texts(on, "unknown"), _texts(on, "sent")
    lost = len([text for text in texts if not got[text] and text not in doubtful])
    doubled = sum(times - 1 for times in got.values())
    wrong = len([text for text in sent & texts if not got[text]])
    return Killed(lost, doubled, len(doubtful & texts), in_flight, wrong, took)


def _beside(port: int, busy: Stage, beside: Stage, tries: int, options: dict[str, Any]) -> list[float]:
    accepted = {}
    time.sleep(1)
    for _ in range(tries):
        name = f"beside-{uuid4().hex}"
        accepted[name] = _say(beside, beside.bots[0], name, **options)
        time.sleep(0.3)
    wait_for(lambda: set(accepted) <= {one.text for one in provider.taken(port)}, 60)
    assert _in_state(busy, "waiting"), "the backlog was gone before it could be in the way"
    came = {one.text: one.at for one in provider.taken(port)}
    return sorted((came[text] - at) * 1000 for text, at in accepted.items())


def _warm(on: Stage) -> None:
    pour(on, len(on.bots) * 2, prefix="warm")
    wait_for(lambda: _open(on) == 0, 60)


@contextmanager
def _worker(port: int) -> Iterator[Any]:
    with product.worker(
        DEXRA_PROVIDER_BASE_TELEGRAM=f"http://127.0.0.1:{port}", DEXRA_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8"
    ) as worker:
        yield worker


def _say(on: Stage, bot: Inbox, text: str, **options: Any) -> float:
    """Send one message as a request does; returns when it was committed (Unix seconds)."""
    (talk,) = _talks(on, [bot])
    message = messages.send(conversation=talk, author=Author(Message.Source.API), draft=Draft(text=text))
    queueing.enqueue(message, Options(**options))
    return time.time()


def _pour(on: Stage, texts: Sequence[str], fields: dict[str, Any]) -> list[str]:
    bots = [on.bots[number % len(on.bots)] for number in range(len(texts))]
    talks, now = _talks(on, bots), timezone.now()
    said = Message.unscoped.bulk_create(
        Message(
            environment=on.environment, conversation=talk, contact=talk.contact, direction=Message.Direction.OUTBOUND,
            source=Message.Source.API, text=text, status=Message.Status.QUEUED, sequence=1,
        )
        for talk, text in zip(talks, texts, strict=True)
    )  # fmt: skip
    Dispatch.unscoped.bulk_create(
        Dispatch(
            environment=on.environment, message=message, conversation=talk, contact=talk.contact, session=talk.session,
            inbox=talk.inbox, livemode=True, address=talk.session.source_id, next_attempt_at=now, **fields,
        )
        for message, talk in zip(said, talks, strict=True)
    )  # fmt: skip
    return list(texts)


def _talks(on: Stage, bots: Sequence[Inbox]) -> list[Conversation]:
    """Return a new conversation with somebody new by each of these bots."""
    base, names = time.time_ns() // 1000, Contact.unscoped.filter(environment=on.environment).count()
    people = Contact.unscoped.bulk_create(
        Contact(environment=on.environment, name=f"Somebody {names + number}") for number in range(len(bots))
    )
    sessions = ContactSession.unscoped.bulk_create(
        ContactSession(environment=on.environment, contact=person, inbox=bot, source_id=str(base + number))
        for number, (person, bot) in enumerate(zip(people, bots, strict=True))
    )
    first = (Conversation.of(on.environment).order_by("-number").values_list("number", flat=True).first() or 0) + 1
    return Conversation.unscoped.bulk_create(
        Conversation(
            environment=on.environment, inbox=session.inbox, contact=session.contact, session=session,
            number=first + number, sequence=1,
        )
        for number, session in enumerate(sessions)
    )  # fmt: skip


def _wake(on: Stage) -> None:
    now = timezone.now()
    Line.unscoped.bulk_create(
        [Line(environment=on.environment, inbox=bot, next_due_at=now) for bot in on.bots], ignore_conflicts=True
    )
    Line.unscoped.filter(inbox__in=on.bots).update(next_due_at=now)
    hints.wake_engine()


def _clear(bots: Sequence[Inbox]) -> None:
    talks = Conversation.unscoped.filter(inbox__in=[bot.pk for bot in bots])
    people = list(talks.values_list("contact_id", flat=True))
    talks.delete()
    for start in range(0, len(people), CHUNK):
        Contact.unscoped.filter(pk__in=people[start : start + CHUNK]).delete()
    Inbox.unscoped.filter(pk__in=[bot.pk for bot in bots]).delete()


def _open(on: Stage) -> int:
    return Dispatch.unscoped.filter(inbox__in=on.bots, state__in=["waiting", "sending"]).count()


def _in_state(on: Stage, state: str) -> int:
    return Dispatch.unscoped.filter(inbox__in=on.bots, state=state).count()


def _texts(on: Stage, state: str) -> set[str]:
    rows = Dispatch.unscoped.filter(inbox__in=on.bots, state=state)
    return set(rows.values_list("message__text", flat=True))
