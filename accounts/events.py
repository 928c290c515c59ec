"""What can happen to an account that others have to act on."""

from accounts.models import Account, Environment, User
from events.event import SYSTEM, Event
from events.log import publish


class AccessWithdrawn(Event):
    """Somebody may no longer see what they saw: whatever they have open is closed."""

    type = "access_withdrawn"


def withdraw_access(user: User, account: Account) -> None:
    """Publish, in both environments, that a person's open connections have to prove themselves again."""
    for environment in Environment.objects.filter(account=account):
        publish(
            AccessWithdrawn(
                environment_id=environment.pk,
                livemode=environment.livemode,
                actor=SYSTEM,
                data={"agent_id": user.public_id},
                context={"user_id": user.pk},
            )
        )
