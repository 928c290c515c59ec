"""Upkeep of what accounts leave behind."""

from celery import shared_task

from accounts.services import idempotency
from core import tenancy


@shared_task
def forget_idempotency_keys(**_: object) -> None:
    """Delete stored answers that are older than a day."""
    with tenancy.everyone():
        while idempotency.forget_old():
            pass
