"""What happens to the installation's own things when time passes."""

from celery import shared_task

from dexra.sdk import builds, shelf
from dexra.sdk.builds import NotBuilt


@shared_task
def keep_sdk(**_: object) -> None:
    """Note that today's script is served, and remove those that have not been for 30 days."""
    try:
        shelf.store(builds.current())
    except NotBuilt:
        return  # nor is it known here which one is served
    shelf.clear()
