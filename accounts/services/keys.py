"""API keys: minted, looked up, rolled, revoked. The plain key exists only in the answer that makes it."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import signing
from accounts.models import ApiKey, Environment
from accounts.services import audit
from core import crypto
from core.errors import Conflict, invalid

SCOPES = frozenset(
    {"users:read", "users:write", "conversations:read", "conversations:write",
     "inboxes:read", "inboxes:write", "events:read", "webhooks:read", "webhooks:write"}
)  # fmt: skip
LONGEST_OVERLAP = timedelta(days=30)


@transaction.atomic
def mint(
    *,
    environment: Environment,
    kind: str,
    name: str = "",
    scopes: Sequence[str] = (),
    by: audit.Who,
) -> tuple[ApiKey, str]:
    """
    Make a key; returns it and its plain text, which is never shown again.

    The text is ``dx_sk_live_`` + 32 random base58 characters + 6 of a checksum, so that leak scanners can tell a
    key from noise. Raises Invalid for an unknown scope.
    """
    if unknown := sorted(set(scopes) - SCOPES):
        raise invalid("scopes", f"Unknown scope {unknown[0]!r}; known: {', '.join(sorted(SCOPES))}.")
    plain = signing.new_key(kind, live=environment.livemode)
    key = ApiKey.unscoped.create(
        environment=environment,
        kind=kind,
        name=name,
        digest=crypto.digest(plain),
        hint=f"{plain[: plain.rindex('_') + 1]}…{plain[-4:]}",
        scopes=list(scopes),
        api_version=settings.API_VERSION,
        created_by=by.user,
    )
    audit.record(environment=environment, who=by, action="key.created", target=key.hint)
    return key, plain


@transaction.atomic
def roll(*, key: ApiKey, overlap: timedelta, by: audit.Who) -> tuple[ApiKey, str]:
    """
    Replace a key; the old one goes on for ``overlap`` (at most 30 days), so that no deployment has to hurry.

    Raises Conflict when the key is already revoked or replaced, Invalid for too long an overlap.
    """
    if key.revoked_at or key.replaced_by_id:
        raise Conflict("This key was already revoked or replaced.", code="key_already_replaced")
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise invalid("overlap", "The overlap is between 0 and 30 days.")
    replacement, plain = mint(environment=key.environment, kind=key.kind, name=key.name, scopes=key.scopes, by=by)
    key.replaced_by, key.expires_at = replacement, timezone.now() + overlap
    key.save(update_fields=["replaced_by", "expires_at"])
    audit.record(environment=key.environment, who=by, action="key.rolled", target=key.hint)
    return replacement, plain


@transaction.atomic
def revoke(*, key: ApiKey, by: audit.Who) -> None:
    """Make a key useless at once."""
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    audit.record(environment=key.environment, who=by, action="key.revoked", target=key.hint)
