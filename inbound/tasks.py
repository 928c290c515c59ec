"""Upkeep of what providers told."""

from celery import shared_task

from core import tenancy
from inbound.services import following, mailboxes, upkeep


@shared_task
def fetch_files(**_: object) -> None:
    """Ask once more for files that could not be had when their messages came."""
    with tenancy.everyone():
        following.fetch_due()


@shared_task
def purge(**_: object) -> None:
    """Delete callbacks that are too old to be looked at."""
    with tenancy.everyone():
        upkeep.purge()


@shared_task
def check_mailboxes(**_: object) -> None:
    """Have what came to the mailboxes that are due fetched, by threads that nobody waits for."""
    mailboxes.begin()
