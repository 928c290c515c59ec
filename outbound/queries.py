"""Reading messages with how they got where they are."""

from django.db.models import Prefetch, QuerySet

from accounts.models import Environment
from conversations.models import Message
from conversations.queries import messages_in
from outbound.models import Attempt, Dispatch


def messages_with_ways(environment: Environment) -> QuerySet[Message]:
    """Return an environment's messages with their dispatches and attempts, and everything their public JSON needs."""
    made = Prefetch("dispatch__made", Attempt.unscoped.order_by("n"))
    around = ("dispatch__fallback_of", "conversation__session")
    return messages_in(environment).select_related("dispatch", *around).prefetch_related(made)


def find_dispatch(message: Message) -> Dispatch | None:
    """Return the way out of a message that was loaded without it; None where it needs none."""
    return Dispatch.unscoped.filter(environment_id=message.environment_id, message_id=message.pk).first()


def dispatch_of(message: Message) -> Dispatch | None:
    """Return the way out of a message loaded as ``messages_with_ways``; None where it needs none."""
    return getattr(message, "dispatch", None)


def following(dispatch: Dispatch) -> Dispatch | None:
    """Return the next step of a message's chain, if it was taken."""
    return Dispatch.unscoped.filter(environment_id=dispatch.environment_id, fallback_of=dispatch).first()


def rehearsed(environment: Environment) -> QuerySet[Attempt]:
    """Return a sandbox's attempts that show what would have been sent."""
    made = Attempt.of(environment).filter(request__isnull=False)
    return made.select_related("dispatch__message", "dispatch__inbox")
