"""
What an endpoint's failures lead to: it is switched off, and the account is told.

Plain Django, for the engine's side thread and for the tasks. Everything is decided by what stands in the rows, so that
doing it twice, or late, does no harm.
"""

from collections.abc import Collection
from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from core import tenancy
from events.log import publish
from webhooks import policy
from webhooks.events import (
    DeliveryExhausted,
    EndpointDisabled,
    EndpointFailing,
    EndpointRecovered,
    about,
    delivery_data,
    health_data,
)
from webhooks.models import Delivery, Endpoint, Health
from webhooks.policy import Stage
from webhooks.services import canceling, metrics
from webhooks.services.settling import Settled

EXHAUSTED_TOLD_EVERY = timedelta(hours=1)

log = structlog.get_logger(__name__)


def attend(settled: Settled) -> None:
    """Do what a settlement asks for. Raises nothing: what fails is done by the next look at everybody."""
    try:
        with tenancy.everyone():
            for endpoint_id in sorted(settled.gone):
                look_after(endpoint_id, is_gone=True)
            for health in settled.healths:
                if health.asks_for_attention and health.endpoint_id not in settled.gone:
                    look_after(health.endpoint_id)
            tell_exhausted(settled.exhausted)
    except Exception:
        log.exception("webhook_endpoints_not_attended")
        connection.close()


def leave() -> None:
    """Let go of this thread's connection."""
    connection.close()


def look_after_all() -> None:
    """Look at every endpoint that fails, or was said to: whatever was missed is done now."""
    failing = Q(consecutive_failures__gte=policy.FAILURES_TO_TELL) | Q(told_stage__in=(Stage.FAILING, Stage.LASTING))
    lasting = Q(last_failure_at__gte=F("failing_since") + policy.CLOCK_STARTS)
    active = Q(endpoint__state=Endpoint.State.ACTIVE, endpoint__deleted_at=None)
    for endpoint_id in Health.unscoped.filter(active, failing | lasting).values_list("pk", flat=True):
        look_after(endpoint_id)


@transaction.atomic
def look_after(endpoint_id: int, *, is_gone: bool = False) -> None:
    """Switch an endpoint off when it ``is_gone`` or failed for days; publish when it fails, or is well again."""
    endpoint = (
        Endpoint.unscoped.select_for_update(of=("self",))
        .select_related("environment", "health")
        .filter(pk=endpoint_id, state=Endpoint.State.ACTIVE, deleted_at=None)
        .first()
    )
    if endpoint is None:
        return
    now, told = _stage(endpoint.health), endpoint.health.told_stage
    if is_gone:
        _disable(endpoint, Endpoint.Reason.GONE)
    elif now == Stage.DISABLED:
        _disable(endpoint, Endpoint.Reason.FAILING)
    elif now != told:
        _tell(endpoint, told, now)


@transaction.atomic
def tell_exhausted(delivery_ids: Collection[int]) -> None:
    """Publish that deliveries failed for good; of each endpoint one, and none within an hour of another."""
    told = set[int]()
    silent = Q(told_exhausted_at=None) | Q(told_exhausted_at__lte=Now() - EXHAUSTED_TOLD_EVERY)
    for delivery in Delivery.unscoped.filter(pk__in=list(delivery_ids)).order_by("endpoint_id", "id"):
        if delivery.endpoint_id in told:
            continue
        told.add(delivery.endpoint_id)
        if Health.unscoped.filter(silent, pk=delivery.endpoint_id).update(told_exhausted_at=Now()):
            endpoint = Endpoint.unscoped.select_related("environment").get(pk=delivery.endpoint_id)
            publish(about(endpoint, DeliveryExhausted, data=delivery_data(delivery)))


def _tell(endpoint: Endpoint, told: int, now: Stage) -> None:
    health = Health.unscoped.filter(pk=endpoint.pk)
    if told != Stage.WELL:
        health.update(told_stage=now)
        if now == Stage.WELL:
            publish(about(endpoint, EndpointRecovered, data=health_data(endpoint.health)))
        return
    silent = Q(told_failing_at=None) | Q(told_failing_at__lte=Now() - policy.FAILING_TOLD_EVERY)
    if health.filter(silent).update(told_stage=now, told_failing_at=Now()):
        publish(about(endpoint, EndpointFailing, data=health_data(endpoint.health)))


def _stage(health: Health) -> Stage:
    lasting = timedelta(0)
    if health.failing_since is not None and health.last_failure_at is not None:
        lasting = health.last_failure_at - health.failing_since
    return policy.stage(consecutive_failures=health.consecutive_failures, lasting=lasting)


def _disable(endpoint: Endpoint, reason: Endpoint.Reason) -> None:
    endpoint.state, endpoint.disabled_reason = Endpoint.State.DISABLED, reason
    endpoint.save(update_fields=["state", "disabled_reason", "updated_at"])
    if reason == Endpoint.Reason.GONE:
        while not canceling.cancel_waiting(endpoint, canceling.Reason.ENDPOINT_GONE):
            pass  # all of it, however much: nobody waits for an answer
    Health.unscoped.filter(pk=endpoint.pk).update(told_stage=Stage.DISABLED, next_due_at=None)
    publish(about(endpoint, EndpointDisabled, data={"reason": reason, **health_data(endpoint.health)}))
    metrics.endpoints_disabled.labels(reason).inc()
    log.info("webhook_endpoint_disabled", endpoint_id=endpoint.public_id, reason=reason)
