"""Finding endpoints, deliveries and their attempts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from django.db.models import Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast

from accounts.models import Environment
from webhooks.models import Attempt, Body, Delivery, Endpoint, Secret
from webhooks.serializers import HELD

# Small indexes know what waits, what is under way and what failed; each takes an endpoint, or a condition, to be used.
OF_ENDPOINTS = frozenset({Delivery.State.PENDING, Delivery.State.DELIVERING})
LARGEST_SKEW = timedelta(hours=1)


def endpoints_of(environment: Environment) -> QuerySet[Endpoint]:
    """Return the environment's endpoints, with all that their JSON needs."""
    # Only asymmetric secrets are looked into: their public halves are shown.
    asymmetric = sealed(Secret.unscoped.filter(endpoint__signature=Endpoint.Signature.ED25519))
    found = Endpoint.of(environment).filter(deleted_at=None).select_related("health", "inbox")
    return found.prefetch_related(Prefetch("secrets", asymmetric))


def sealed(secrets: QuerySet[Secret]) -> QuerySet[Secret]:
    """Return the secrets as they are kept: reading them fails for none, ``opened`` asks what each says."""
    return secrets.defer("secret").annotate(sealed=Cast("secret", TextField()))


def deliveries_of(environment: Environment) -> QuerySet[Delivery]:
    """Return the environment's deliveries, with all that their JSON needs but the attempts."""
    return Delivery.of(environment).select_related("endpoint")


def about(deliveries: QuerySet[Delivery], event_id: int) -> QuerySet[Delivery]:
    """Return those of the deliveries that tell of an event, rehearsals too."""
    # Said in two halves because there is an index for either.
    return deliveries.filter(Q(event_id=event_id, rehearsal="") | Q(event_id=event_id) & ~Q(rehearsal=""))


def in_state(deliveries: QuerySet[Delivery], environment: Environment, state: str) -> QuerySet[Delivery]:
    """Return those of the environment's deliveries that are shown in a state; ``held`` is one."""
    if state not in OF_ENDPOINTS and state != HELD:
        return deliveries.filter(state=state)
    endpoints = Endpoint.of(environment)
    if state == HELD:
        endpoints = endpoints.filter(deleted_at=None).exclude(state=Endpoint.State.ACTIVE)
    elif state == Delivery.State.PENDING:
        endpoints = endpoints.filter(deleted_at=None, state=Endpoint.State.ACTIVE)
    kept_as = Delivery.State.PENDING if state == HELD else state
    return deliveries.filter(state=kept_as, endpoint_id__in=list(endpoints.values_list("pk", flat=True)))


def attempts_of(deliveries: Iterable[Delivery]) -> Mapping[int, Sequence[Attempt]]:
    """Return ``{delivery: its attempts, oldest first}``; a delivery without any is there when asked for."""
    wanted = {delivery.pk: delivery.created_at for delivery in deliveries}
    found: dict[int, list[Attempt]] = defaultdict(list)
    if wanted:
        # The time spares a look into the days before; it is the worker's, whose clock may be behind.
        since = min(wanted.values()) - LARGEST_SKEW
        rows = Attempt.unscoped.filter(delivery_id__in=list(wanted), sent_at__gte=since)
        for attempt in rows.order_by("sent_at", "id"):
            found[attempt.delivery_id].append(attempt)
    return found


def body_of(delivery: Delivery) -> bytes | None:
    """Return the bytes of a delivery: none once a person was erased with them, None once they are no longer kept."""
    wanted = Body.unscoped.filter(
        event_id=delivery.event_id, event_at=delivery.event_at,
        dialect=delivery.endpoint.dialect, type=delivery.type,
    )  # fmt: skip
    content = wanted.values_list("content", flat=True).first()
    return None if content is None else bytes(content)
