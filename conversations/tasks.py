"""What happens to conversations when time passes."""

from celery import shared_task

from conversations.services import conversations, orphans, uploads
from core import tenancy


@shared_task
def wake_snoozed(**_: object) -> None:
    """Open the conversations whose snooze is over."""
    with tenancy.everyone():
        conversations.wake_snoozed()


@shared_task
def sweep_orphans(**_: object) -> None:
    """Let go of uploads that went with no message in time, and remove stored files that nothing names."""
    with tenancy.everyone():
        uploads.forget_old()
    orphans.sweep()
