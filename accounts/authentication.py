"""Bearer keys: who calls the native API, and for which environment."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import signing
from accounts.models import Account, ApiKey, Environment
from core import crypto, tenancy
from core.errors import NotAllowed, NotAuthenticated
from core.rows import Shape

KEY = Shape(ApiKey, "key")
ENTER = f"""
SELECT key.environment_id, environment.kind, account.id, account.name, account.plan, account.created_at, {KEY.columns}
FROM dexra_enter_by_key(%s) AS key
JOIN accounts_environment AS environment ON environment.id = key.environment_id
JOIN accounts_account AS account ON account.id = environment.account_id
"""  # noqa: S608  the columns come from the model
# How stale "last used" may be: spares a write on every request.
USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated server: its key, and the environment the key opens."""

    key: ApiKey
    environment: Environment
    is_authenticated: bool = field(default=True)

    def require(self, scope: str) -> None:
        """Raise NotAllowed unless the key may do this; a key without scopes may do everything."""
        if self.key.scopes and scope not in self.key.scopes:
            raise NotAllowed(f"This key lacks the scope {scope}.", code="missing_scope")


class BearerKey(BaseAuthentication):
    """``Authorization: Bearer dx_sk_...`` (RFC 6750 section 2.1)."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiKey]:
        """Return the caller and bind the connection to its environment. Raises NotAuthenticated."""
        scheme, _, plain = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        plain = plain.strip()
        if scheme.lower() != "bearer" or not plain:
            raise NotAuthenticated("Send your secret key: Authorization: Bearer dx_sk_...", code="missing_key")
        caller = _known(plain)
        if caller.key.kind != ApiKey.Kind.SECRET:
            raise NotAllowed("Publishable keys open nothing here; use a secret key.", code="wrong_key_kind")
        _note_use(caller.key)
        return caller, caller.key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  DRF's signature
        """Name the scheme, so that DRF answers 401 and not 403."""
        return 'Bearer realm="dexra"'


def enter_by_publishable_key(plain: str) -> Environment:
    """
    Return the environment of a key that may be in a page, and bind this connection to it.

    Raises NotAuthenticated, and NotAllowed for a secret key: it must not be where everybody can read it.
    """
    caller = _known(plain)
    if caller.key.kind != ApiKey.Kind.PUBLISHABLE:
        words = "This is a secret key: who reads the page has it now. Revoke it, and use a publishable one (dx_pk_)."
        raise NotAllowed(words, code="wrong_key_kind")
    _note_use(caller.key)
    return caller.environment


def _known(plain: str) -> Caller:
    """Return whose key it is. Raises NotAuthenticated for nobody's, and for one that opens nothing any more."""
    caller = _caller(plain) if signing.looks_genuine(plain) else None
    if caller is None:
        raise NotAuthenticated("This API key is not known. Check that it was copied whole.", code="invalid_key")
    if not caller.key.is_valid_at(timezone.now()):
        raise NotAuthenticated("This API key was revoked or has expired.", code="expired_key")
    return caller


def _caller(plain: str) -> Caller | None:
    row = tenancy.enter(ENTER, [crypto.digest(plain)])
    if row is None:
        return None
    environment_id, kind, account_id, name, plan, created_at = row[:6]
    account = Account(id=account_id, name=name, plan=plan, created_at=created_at)
    environment = Environment(id=environment_id, kind=kind, account=account)
    key = KEY.build(row[6:])
    key.environment = environment
    return Caller(key, environment)


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > USE_IS_NOTED_EVERY:
        ApiKey.unscoped.filter(pk=key.pk).update(last_used_at=now)
