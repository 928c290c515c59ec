"""Upkeep of what providers know of us."""

from celery import shared_task

from inboxes.services import registering, syncing


@shared_task
def register_callbacks(**_: object) -> None:
    """Tell providers where to call us, again where they refused."""
    registering.register_due()


@shared_task
def sync_templates(**_: object) -> None:
    """Take over what providers have of templates."""
    syncing.sync_due()


@shared_task
def hand_in_templates(**_: object) -> None:
    """Hand templates in to the providers that have to approve them."""
    syncing.hand_in_due()
