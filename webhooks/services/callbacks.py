"""The ``webhook_url`` of an API inbox: an endpoint in Chatwoot's words, which the inbox makes, moves and removes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accounts.models import Environment
from accounts.services import audit
from core.errors import Problem
from inboxes.models import Inbox
from webhooks.models import Endpoint
from webhooks.services import endpoints
from webhooks.transport import targets

SETTING = "webhook_url"
GIVEN_UP = (Endpoint.Reason.GONE, Endpoint.Reason.FAILING)


def problems(environment: Environment, settings: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a callback's URL."""
    url = settings.get(SETTING)
    if not url or not isinstance(url, str):
        return []
    wrong = targets.problems_of_url(url, livemode=environment.livemode)
    return [replace(problem, field=f"settings.{SETTING}") for problem in wrong]


def follow(inbox: Inbox, *, by: audit.Who) -> None:
    """
    Make, move or remove an inbox's callback as its settings say now.

    A new one's secret goes on the inbox, to be shown once. Raises Invalid.
    """
    known = Endpoint.of(inbox.environment).filter(inbox=inbox, deleted_at=None).first()
    url = "" if inbox.deleted_at else inbox.settings.get(SETTING, "")
    if known is not None:
        known.environment = inbox.environment
    if url and known is None:
        _make(inbox, url, by)
    elif url and known is not None and known.url != url:
        _move(endpoints.lock(known), url, by)
    elif not url and known is not None:
        _remove(endpoints.lock(known), by)


def _make(inbox: Inbox, url: str, by: audit.Who) -> None:
    fields = {"url": url, "dialect": Endpoint.Dialect.CHATWOOT, "description": f"Callback of {inbox.name}"[:255]}
    endpoint, secret = endpoints.create(environment=inbox.environment, by=by, fields=fields, inbox=inbox)
    inbox.shown_once = {"webhook_endpoint_id": endpoint.public_id, "webhook_secret": secret}


def _move(endpoint: Endpoint, url: str, by: audit.Who) -> None:
    """Send to another URL, under the same secret; an endpoint that was given up at the old one has another chance."""
    before, endpoint.url = str(endpoint), url
    endpoint.save(update_fields=["url", "updated_at"])
    audit.record(
        environment=endpoint.environment, who=by, action="webhook_endpoint.updated", target=endpoint.public_id,
        changes={"url": {"from": before, "to": str(endpoint)}},
    )  # fmt: skip
    if endpoint.disabled_reason in GIVEN_UP:
        endpoints.resume(endpoint=endpoint, by=by)


def _remove(endpoint: Endpoint, by: audit.Who) -> None:
    endpoints.take_away(endpoint, by=by)
    endpoint.inbox = None  # which may have another one
    endpoint.save(update_fields=["inbox"])
