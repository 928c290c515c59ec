"""Upkeep of the log."""

from celery import shared_task

from events import retention


@shared_task
def keep_days(**_: object) -> None:
    """Make the log's next days and drop the ones past retention."""
    retention.keep_days()
