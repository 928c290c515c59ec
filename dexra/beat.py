"""Beat's scheduler."""

from typing import Any

from celery.beat import PersistentScheduler

from dexra import pulse


class Scheduler(PersistentScheduler):  # type: ignore[misc]  # Celery has no types
    """Celery's own, which also shows that its loop still turns."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Do what is due and return the seconds until the next time; at most ``beat_max_loop_interval``."""
        pulse.show("beat")
        return super().tick(*args, **kwargs)
