"""Upkeep of endpoints and of what is on its way to them."""

from celery import shared_task

from core import tenancy
from webhooks.services import attending, letters, replays, upkeep


@shared_task
def look_after_endpoints(**_: object) -> None:
    """See to endpoints that fail, write to their people, and to what the engine might have missed."""
    with tenancy.everyone():
        attending.look_after_all()
        upkeep.remember_forgotten()
        letters.write()


@shared_task
def trickle_replays(**_: object) -> None:
    """Take up a little more of every replay whose endpoint has room."""
    with tenancy.everyone():
        replays.trickle()


@shared_task
def tidy_deliveries(**_: object) -> None:
    """Cancel what nobody wants any more, and end what is too old."""
    with tenancy.everyone():
        upkeep.cancel_unwanted()
        upkeep.end_too_old()


@shared_task
def keep_days(**_: object) -> None:
    """Make and drop the days of bodies and attempts, and delete the deliveries of the days that are gone."""
    upkeep.keep_days()
    with tenancy.everyone():
        upkeep.purge()
