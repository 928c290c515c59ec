"""What deliveries are signed with: made, and rotated with an overlap so that no receiver has to hurry."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from accounts.services import audit
from core.errors import Conflict, invalid
from core.times import iso
from webhooks import signing
from webhooks.models import Endpoint, Secret

MOST_VALID = 5
GRACE_SECONDS = 86_400
LONGEST_GRACE_SECONDS = 604_800


def add(endpoint: Endpoint) -> Secret:
    """Give an endpoint a new secret of the kind its signature takes."""
    secret: Secret = Secret.unscoped.create(
        environment_id=endpoint.environment_id, endpoint=endpoint, secret=signing.new_secret(endpoint.signature)
    )
    return secret


@transaction.atomic
def rotate(*, endpoint: Endpoint, grace_seconds: int = GRACE_SECONDS, by: audit.Who) -> Secret:
    """
    Give an endpoint a new secret; deliveries are signed with the old ones too for ``grace_seconds`` (0: no longer).

    None of the old ones lives longer than it would have without. Raises Invalid for a grace of more than seven days,
    Conflict when five are valid already.
    """
    if not 0 <= grace_seconds <= LONGEST_GRACE_SECONDS:
        raise invalid(
            "grace_seconds", f"grace_seconds is 0 to {LONGEST_GRACE_SECONDS}.",
            code="out_of_range", limit=LONGEST_GRACE_SECONDS,
        )  # fmt: skip
    Endpoint.of(endpoint.environment).select_for_update().get(pk=endpoint.pk)
    now = timezone.now()
    secrets = Secret.of(endpoint.environment).filter(endpoint=endpoint)
    secrets.filter(expires_at__lte=now).delete()
    ends = now + timedelta(seconds=grace_seconds)
    if grace_seconds:
        _refuse_a_sixth(list(secrets.order_by(F("expires_at").asc(nulls_last=True))))
    secrets.update(expires_at=Least(Coalesce(F("expires_at"), ends), ends))
    secret = add(endpoint)
    audit.record(
        environment=endpoint.environment, who=by, action="webhook_endpoint.secret_rotated", target=endpoint.public_id
    )
    return secret


def valid(endpoint: Endpoint) -> list[Secret]:
    """Return what deliveries are signed with now, newest first."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return list(Secret.unscoped.filter(unexpired, endpoint=endpoint).order_by("-id"))


def _refuse_a_sixth(kept: list[Secret]) -> None:
    if len(kept) < MOST_VALID:
        return
    first = kept[0].expires_at
    until = f"The next one expires at {iso(first)}. " if first else ""
    raise Conflict(
        f"This endpoint has {MOST_VALID} valid secrets, which is the most. {until}"
        "With grace_seconds 0 all old ones stop at once.",
        code="too_many_secrets",
    )
