"""What people say about being written to at all: STOP and START, and what their provider tells of it."""

from collections.abc import Collection

from django.db import transaction

from contacts.models import ContactSession, Suppression
from contacts.services import attributes, consent
from inboxes.channels import phones
from inboxes.models import Inbox

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT", "ARRET"})
START_WORDS = frozenset({"START", "UNSTOP"})
YES = "YES"  # means START to whoever said STOP, and nothing in particular to anybody else
# What the person decided, and may decide anew; what bounced or an operator entered is not theirs to lift.
THEIRS = (
    Suppression.Reason.STOP_WORD,
    Suppression.Reason.UNSUBSCRIBED,
    Suppression.Reason.PROVIDER,
    Suppression.Reason.BLOCKED,
)


def wish_in(text: str) -> str:
    """Return what a whole message asks for: ``stop``, ``start``, ``yes``; empty for anything else."""
    word = text.strip().rstrip(".!").upper()
    if word in STOP_WORDS:
        return "stop"
    return "start" if word in START_WORDS else "yes" if word == YES else ""


@transaction.atomic
def stop(
    inbox: Inbox, address: str, *, reason: str = Suppression.Reason.STOP_WORD, scope: str = Suppression.Scope.ALL,
    detail: str = "",
) -> None:  # fmt: skip
    """Let nothing (or no marketing) be sent to an address on the inbox's channel, nor to the person's other names."""
    for each in addresses_of(inbox, address):
        consent.suppress(
            environment=inbox.environment, channel=inbox.channel, address=each, reason=reason, scope=scope,
            detail=detail,
        )  # fmt: skip


@transaction.atomic
def resume(inbox: Inbox, address: str) -> bool:
    """Let what its owner had stopped be sent again; False when nothing had been."""
    stopped = Suppression.of(inbox.environment).filter(
        channel=inbox.channel, address__in=addresses_of(inbox, address), reason__in=THEIRS
    )
    gone, _ = stopped.delete()
    return gone > 0


def is_stopped(inbox: Inbox, address: str) -> bool:
    """Whether nothing may be sent to an address on the inbox's channel."""
    return (
        Suppression.of(inbox.environment)
        .filter(channel=inbox.channel, address__in=addresses_of(inbox, address), scope=Suppression.Scope.ALL)
        .exists()
    )


def addresses_of(inbox: Inbox, address: str) -> Collection[str]:
    """
    Return an address with all that means the same person's same phone, bot chat or account in the inbox.

    Another number of theirs is another address: whoever stops one may want the other.
    """
    spelt = {address, *phones.variants(address)}
    people = ContactSession.of(inbox.environment).filter(inbox=inbox, source_id__in=spelt).values("contact")
    names = ContactSession.of(inbox.environment).filter(inbox=inbox, contact__in=people)
    return spelt | {name for name in names.values_list("source_id", flat=True) if not attributes.is_e164(name)}
