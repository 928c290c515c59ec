"""Who may listen to what: the one place where the cable asks the database."""

from dataclasses import dataclass
from typing import Literal

from django.db.models import Q

from accounts.models import Membership
from contacts.models import ContactSession
from core import tenancy
from inboxes.channels.origins import allowed_origins, origin_allowed
from realtime.cable.protocol import Credentials


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What a subscriber may listen to.

    ``identity`` is "user:<id>" or "contact-session:<id>". The first stream is the one everybody beside the
    subscriber listens to as well, if there is such a one.
    """

    identity: str
    kind: Literal["agent", "contact"]
    environment_id: int
    streams: tuple[str, ...]
    person_id: int  # the user's, or the contact's
    availability: str = "online"
    is_native: bool = False  # told in Dexra's own words
    origins: tuple[str, ...] = ()  # the only pages that may listen; empty: any

    def admits(self, origin: str | None) -> bool:
        """Whether a page of that origin may listen; None for what is no page."""
        return origin_allowed(origin, self.origins)


def find_grant(said: Credentials) -> Grant | None:
    """Return what somebody may listen to; None when they are not who they say. Raises django.db.Error."""
    with tenancy.everyone():
        if said.user_id and said.account_id:
            return _agent(said.token, said.account_id, said.user_id)
        return _contact(said.token)


def _agent(token: str, environment: int, user: int) -> Grant | None:
    """An agent is known by token *and* id, and works in the account that owns the environment."""
    membership = (
        Membership.objects.filter(
            user_id=user, user__pubsub_token=token, user__is_active=True, account__environments=environment
        )
        .values_list("user__availability")
        .first()
    )
    if membership is None:
        return None
    return Grant(
        identity=f"user:{user}",
        kind="agent",
        environment_id=environment,
        streams=(f"a:{environment}", f"u:{environment}:{user}"),
        person_id=user,
        availability=membership[0],
    )


def _contact(token: str) -> Grant | None:
    # As on every other door: a closed inbox lets nobody in, and one that insists on proof only who gave it.
    trusted = Q(verified=True) | Q(inbox__hmac_mandatory=False)
    session = (
        ContactSession.unscoped.filter(trusted, pubsub_token=token, inbox__deleted_at=None)
        .values_list("id", "environment_id", "contact_id", "dialect", "inbox__settings")
        .first()
    )
    if session is None:
        return None
    session_id, environment, contact, dialect, settings = session
    return Grant(
        identity=f"contact-session:{session_id}",
        kind="contact",
        environment_id=environment,
        streams=(f"s:{session_id}",),
        person_id=contact,
        is_native=dialect == ContactSession.Dialect.DEXRA,
        origins=tuple(allowed_origins(settings)),
    )
