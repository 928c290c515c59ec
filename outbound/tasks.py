"""Upkeep of what is on its way to providers."""

from celery import shared_task

from core import tenancy
from outbound.services import lines, retention


@shared_task
def look_after_lines(**_: object) -> None:
    """Have the engine look at what it might have lost sight of."""
    with tenancy.everyone():
        lines.remember_forgotten()


@shared_task
def purge(**_: object) -> None:
    """Delete attempts that are too old to be looked at."""
    with tenancy.everyone():
        retention.purge()
