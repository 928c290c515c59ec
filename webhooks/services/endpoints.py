"""Endpoints: made, changed, paused, resumed, switched off, taken away."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Environment
from accounts.services import audit
from core import crypto
from core.errors import Conflict, Invalid, NotFound, Problem
from inboxes.models import Inbox
from webhooks import catalogue
from webhooks.models import MOST_IN_FLIGHT, Endpoint, Health, Replay
from webhooks.services import held, hints, secrets
from webhooks.transport import targets

MOST_ENDPOINTS = 50
SETTINGS = ("url", "events", "description", "max_in_flight", "rate_per_second", "captures")


def create(
    *, environment: Environment, by: audit.Who, fields: Mapping[str, Any], inbox: Inbox | None = None
) -> tuple[Endpoint, str]:
    """
    Make an endpoint; returns it and its secret, which is never shown again.

    ``fields``: ``url``, and any of ``events`` (empty: all), ``description``, ``dialect``, ``signature``,
    ``custom_headers``, ``max_in_flight``, ``rate_per_second``, ``captures``. With an ``inbox`` it is that inbox's
    callback. Raises Invalid, naming every wrong field, and Conflict when the environment has its fifty.
    """
    if problems := problems_of_new(environment, fields):
        raise Invalid(*problems)
    endpoint = _new(environment, fields)
    endpoint.inbox = inbox
    with transaction.atomic():
        if inbox is None:
            _refuse_too_many(environment)
        endpoint.save()
        cap = min(MOST_IN_FLIGHT, endpoint.max_in_flight)
        endpoint.health = Health.unscoped.create(environment=environment, endpoint=endpoint, in_flight_cap=cap)
        secret = secrets.add(endpoint)
        _audit(endpoint, by, "created", {"url": {"from": None, "to": _without_query(endpoint.url)}})
    return endpoint, secret.secret


def problems_of_new(environment: Environment, fields: Mapping[str, Any]) -> list[Problem]:
    """Return what ``create`` would refuse, of those fields that are given."""
    endpoint = _new(environment, fields)
    return [*_problems_of_url(environment, fields), *_problems(endpoint), *_problems_of_kind(endpoint)]


def change(*, endpoint: Endpoint, by: audit.Who, fields: Mapping[str, Any]) -> Endpoint:
    """
    Change an endpoint: its settings, and with ``state`` (and ``held``, as in ``resume``) whether it is told.

    ``custom_headers`` are merged by name; null removes one. Deliveries of types it no longer wants are canceled.
    Raises Invalid, naming every wrong field, NotFound for one deleted meanwhile.
    """
    wrong_url = _problems_of_url(endpoint.environment, fields)
    with transaction.atomic():
        locked = lock(endpoint)
        changes = _apply(locked, fields)
        if problems := _problems_of_changes(locked, changes, fields, wrong_url):
            raise Invalid(*problems)
        if changes:
            locked.save(update_fields=[*changes, "updated_at"])
            _audit(locked, by, "updated", changes)
        if "events" in changes:
            held.drop_unwanted(locked)
    return _move(locked, by, fields.get("state", locked.state), fields.get("held"))


def problems_of_change(endpoint: Endpoint, fields: Mapping[str, Any]) -> list[Problem]:
    """Return what ``change`` would refuse, as far as it can be told without holding the endpoint."""
    changed = copy(endpoint)
    wrong_url = _problems_of_url(endpoint.environment, fields)
    return _problems_of_changes(changed, _apply(changed, fields), fields, wrong_url)


def pause(*, endpoint: Endpoint, by: audit.Who) -> Endpoint:
    """Stop telling an endpoint for now; what happens meanwhile is held for it."""
    return _move(endpoint, by, Endpoint.State.PAUSED)


def disable(*, endpoint: Endpoint, by: audit.Who) -> Endpoint:
    """Switch an endpoint off until somebody resumes it; what happens meanwhile is held for it."""
    return _move(endpoint, by, Endpoint.State.DISABLED)


def resume(*, endpoint: Endpoint, by: audit.Who, held: str | None = None) -> Endpoint:
    """
    Tell a paused or disabled endpoint again, as if it had never failed.

    What was held is sent when ``held`` is ``resume``, and canceled when it is ``skip``; left open, what is younger
    than 72 hours is sent and the rest is canceled. Raises Conflict when there is too much to cancel in one request.
    """
    return _move(endpoint, by, Endpoint.State.ACTIVE, held)


@transaction.atomic
def remove(*, endpoint: Endpoint, by: audit.Who) -> None:
    """
    Take an endpoint away: what waits for it is canceled, what was sent stays readable.

    Raises Conflict for the callback of an inbox, which is the inbox's to remove.
    """
    locked = lock(endpoint)
    if locked.inbox is not None:
        raise Conflict(_is_the_inboxes("Delete", locked.inbox), code="belongs_to_inbox")
    take_away(locked, by=by)


def take_away(locked: Endpoint, *, by: audit.Who) -> None:
    """Mark an endpoint deleted, inside the transaction that holds it: an inbox lets go of its callback so too."""
    locked.deleted_at = timezone.now()
    locked.save(update_fields=["deleted_at", "updated_at"])
    held.drop_unwanted(locked)
    Replay.of(locked.environment).filter(endpoint=locked, state=Replay.State.RUNNING).update(
        state=Replay.State.CANCELED, finished_at=Now()
    )
    Health.unscoped.filter(endpoint=locked).update(next_due_at=None)
    _audit(locked, by, "deleted")


def lock(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint as it is now and let nobody else change it. Raises NotFound for one that is deleted."""
    rows = Endpoint.of(endpoint.environment).select_for_update(of=("self",)).select_related("health", "inbox")
    locked = rows.filter(pk=endpoint.pk, deleted_at=None).first()
    if locked is None:
        raise NotFound(f"No such webhook endpoint: {endpoint.public_id}", param="id")
    locked.environment = endpoint.environment
    return locked


def _refuse_too_many(environment: Environment) -> None:
    # One more must not slip in between counting and making; other rows of the environment go on.
    Environment.objects.select_for_update(no_key=True).get(pk=environment.pk)
    if Endpoint.of(environment).filter(deleted_at=None, inbox=None).count() >= MOST_ENDPOINTS:
        raise Conflict(
            f"This environment has {MOST_ENDPOINTS} webhook endpoints, which is the most. Delete one first.",
            code="too_many_endpoints",
        )


def _new(environment: Environment, fields: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        environment=environment, **{**fields, "custom_headers": _merged({}, fields.get("custom_headers", {}))}
    )


def _apply(endpoint: Endpoint, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Set what differs; returns ``{field: {from, to}}`` as the audit log may show it."""
    changes: dict[str, Any] = {}
    for name in SETTINGS:
        before = getattr(endpoint, name)
        if name in fields and fields[name] != before:
            setattr(endpoint, name, fields[name])
            shown = _without_query if name == "url" else lambda value: value
            changes[name] = {"from": shown(before), "to": shown(fields[name])}
    if "custom_headers" in fields:
        merged = _merged(endpoint.custom_headers, fields["custom_headers"])
        if merged != endpoint.custom_headers:
            changes["custom_headers"] = {"from": sorted(endpoint.custom_headers), "to": sorted(merged)}
            endpoint.custom_headers = merged
    return changes


def _merged(before: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return headers with those given put in, or taken out where null; names differ by more than their case."""
    named = {name.lower() for name in given}
    kept = {name: value for name, value in before.items() if name.lower() not in named}
    return kept | {name: value for name, value in given.items() if value is not None}


def _problems_of_url(environment: Environment, fields: Mapping[str, Any]) -> list[Problem]:
    return targets.problems_of_url(fields["url"], livemode=environment.livemode) if "url" in fields else []


def _problems_of_changes(
    changed: Endpoint, changes: Mapping[str, Any], fields: Mapping[str, Any], wrong_url: list[Problem]
) -> list[Problem]:
    if "url" in changes and changed.inbox is not None:
        wrong_url = [Problem("url", "belongs_to_inbox", _is_the_inboxes("Change the url of", changed.inbox))]
    return [*wrong_url, *_problems(changed), *_problems_of_move(changed, fields)]


def _problems(endpoint: Endpoint) -> list[Problem]:
    """Return what is wrong with an endpoint, but for its URL, which takes a while to find out."""
    found = _problems_of_events(endpoint) + targets.problems_of_headers(endpoint.custom_headers)
    if endpoint.captures and endpoint.environment.livemode:
        found.append(Problem("captures", "sandbox_only", "Only endpoints of the sandbox capture; this key is live."))
    return found


def _problems_of_kind(endpoint: Endpoint) -> list[Problem]:
    if endpoint.dialect == Endpoint.Dialect.DEXRA or endpoint.signature == Endpoint.Signature.HMAC:
        return []
    return [Problem("signature", "not_in_dialect", "In the chatwoot dialect deliveries are signed with v1.")]


def _problems_of_events(endpoint: Endpoint) -> list[Problem]:
    known = catalogue.types_of(endpoint.dialect)
    return [
        Problem(f"events.{place}", "unknown_event", f"There is no event {name!r}; known: {', '.join(known)}.")
        for place, name in enumerate(endpoint.events)
        if name not in known
    ]


def _problems_of_move(endpoint: Endpoint, fields: Mapping[str, Any]) -> list[Problem]:
    if "held" not in fields:
        return []
    if fields.get("state") == Endpoint.State.ACTIVE and not endpoint.is_told:
        return []
    message = "held goes with state active, for an endpoint that is paused or disabled."
    return [Problem("held", "out_of_place", message)]


def _move(endpoint: Endpoint, by: audit.Who, state: str, what_was_held: str | None = None) -> Endpoint:
    """Change the state of an endpoint, with what follows from it."""
    if state == endpoint.state:
        return endpoint
    if state == Endpoint.State.ACTIVE:
        held.settle(endpoint, what_was_held)
    with transaction.atomic():
        locked = lock(endpoint)
        if locked.state == state:
            return locked
        before, locked.state = locked.state, Endpoint.State(state)
        locked.disabled_reason = Endpoint.Reason.MANUAL if state == Endpoint.State.DISABLED else ""
        locked.save(update_fields=["state", "disabled_reason", "updated_at"])
        _audit(locked, by, "updated", {"state": {"from": before, "to": state}})
        Health.unscoped.filter(endpoint=locked).update(
            **_fresh_start(locked) if state == Endpoint.State.ACTIVE else {"next_due_at": None}
        )
        hints.wake_engine()
    locked.health.refresh_from_db()
    return locked


def _fresh_start(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "next_due_at": Now(), "resumed_at": Now(), "hold_until": None,
        "consecutive_failures": 0, "failing_since": None, "last_error": "",
        "told_stage": 0, "told_failing_at": None, "mailed_stage": 0, "successes_at_cap": 0,
        "in_flight_cap": min(MOST_IN_FLIGHT, endpoint.max_in_flight),
    }  # fmt: skip


def _is_the_inboxes(verb: str, inbox: Inbox) -> str:
    return (
        f"{verb} this endpoint through its inbox {inbox.public_id} ({inbox.name}): it is that inbox's webhook_url. "
        f"PATCH /v1/inboxes/{inbox.public_id}."
    )


def _without_query(url: str) -> str:
    """Return a URL as the audit log may keep it: queries often carry tokens."""
    address, mark, query = url.partition("?")
    return address + mark + (crypto.MASK if query else "")


def _audit(endpoint: Endpoint, by: audit.Who, what: str, changes: dict[str, Any] | None = None) -> None:
    audit.record(
        environment=endpoint.environment, who=by, action=f"webhook_endpoint.{what}",
        target=endpoint.public_id, changes=changes,
    )  # fmt: skip
