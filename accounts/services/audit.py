"""The audit log: every administrative change, with who made it."""

from dataclasses import dataclass
from typing import Any

import structlog

from accounts.models import ApiKey, AuditEntry, Environment, User
from core import crypto

SECRET_WORDS = ("token", "secret", "password", "settings", "digest")


@dataclass(frozen=True, slots=True)
class Who:
    """Who makes a change, and from where."""

    kind: str  # agent | api | operator | system
    label: str
    user: User | None = None
    ip: str | None = None

    @classmethod
    def key(cls, key: ApiKey, *, ip: str | None = None) -> "Who":
        """A customer's server."""
        return cls("api", key.hint, None, ip)


SYSTEM = Who("system", "dexra")


def record(
    *,
    environment: Environment,
    who: Who,
    action: str,
    target: str,
    changes: dict[str, Any] | None = None,
) -> None:
    """Write one entry; values of secret fields are masked. Call it in the transaction of the change."""
    AuditEntry.unscoped.create(
        environment=environment,
        actor_type=who.kind,
        actor=who.label[:254],
        action=action,
        target=target[:120],
        changes={field: _shown(field, change) for field, change in (changes or {}).items()},
        ip=who.ip,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )


def _shown(field: str, change: Any) -> Any:
    return crypto.MASK if any(word in field for word in SECRET_WORDS) else change
