"""Who may be written to: suppressed addresses, blocked people, and windows that close."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from accounts.models import Environment
from contacts.models import ContactSession, Suppression
from inboxes.channels.capabilities import Capabilities
from inboxes.channels.outcomes import FAILURES

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is not written to; ``code`` is one of ``FAILURES``."""

    code: str
    message: str


def suppress(
    *, environment: Environment, channel: str, address: str, reason: str, scope: str = Suppression.Scope.ALL,
    detail: str = "",
) -> Suppression:  # fmt: skip
    """Let nothing (``scope`` all), or no marketing, be sent to an address from now on; the first reason stays."""
    made: tuple[Suppression, bool] = Suppression.unscoped.get_or_create(
        environment=environment, channel=channel, address=address, scope=scope,
        defaults={"reason": reason, "detail": detail[:255]},
    )  # fmt: skip
    return made[0]


def lift(*, environment: Environment, channel: str, address: str) -> bool:
    """Let an address be written to again; False when nothing kept it from that."""
    gone, _ = Suppression.of(environment).filter(channel=channel, address=address).delete()
    return gone > 0


def suppression_of(
    environment: Environment, channel: str, address: str, *, category: str = "transactional"
) -> Suppression | None:
    """Return what forbids a message of that category to an address; None: it may be sent."""
    found = Suppression.of(environment).filter(channel=channel, address=address)
    if category != "marketing":
        found = found.filter(scope=Suppression.Scope.ALL)
    return found.first()


def window_closes_at(session: ContactSession) -> datetime | None:
    """Return when the 24 hours since the person last wrote in that inbox are over; None: they never wrote."""
    sessions = ContactSession.of(session.environment).filter(inbox_id=session.inbox_id, contact_id=session.contact_id)
    latest: datetime | None = sessions.aggregate(latest=Max("last_inbound_at"))["latest"]
    return None if latest is None else latest + WINDOW


def is_window_open(session: ContactSession, now: datetime | None = None) -> bool:
    """Whether the person wrote within 24 hours."""
    closes_at = window_closes_at(session)
    return closes_at is not None and (now or timezone.now()) < closes_at


def refusal(
    session: ContactSession, *, address: str, capabilities: Capabilities, category: str, is_template: bool
) -> Refusal | None:
    """
    Return why nothing like this may be sent to a session of a loaded inbox and contact now; None: it may.

    Asked when a message is accepted, and again right before it leaves. A template that the provider has approved
    needs no window; nor does anything in the sandbox, where nobody's provider keeps one.
    """
    if session.contact.blocked:
        return Refusal("blocked", FAILURES["blocked"])
    if opted_out := suppression_of(session.environment, session.inbox.channel, address, category=category):
        return Refusal("opted_out", f"{FAILURES['opted_out']} {_way_out(opted_out)}")
    if session.environment.livemode and not is_said_in_window(session, capabilities, is_template=is_template):
        return Refusal("window_closed", FAILURES["window_closed"])
    return None


def is_said_in_window(session: ContactSession, capabilities: Capabilities, *, is_template: bool) -> bool:
    """Whether a message needs no open window, or has one."""
    needs_none = not capabilities.has_window or (is_template and capabilities.templates == "provider")
    return needs_none or is_window_open(session)


def _way_out(suppression: Suppression) -> str:
    words = f"({suppression.get_reason_display()}.)"
    if suppression.scope == Suppression.Scope.MARKETING:
        words += " Only marketing is kept from them."
    return f"{words} Once they agree again, take them off that list: DELETE /v1/suppressions/{suppression.public_id}."
