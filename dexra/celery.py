"""The Celery application: ``celery -A dexra worker`` and ``celery -A dexra beat``."""

import os

from celery import Celery
from celery.signals import setup_logging

from dexra.engines import EngineRoom
from dexra.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dexra.settings")

app = Celery("dexra")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
app.conf.beat_scheduler = "dexra.beat:Scheduler"
app.conf.beat_max_loop_interval = 5
# A worker waits for Redis as long as it takes: its engines work meanwhile.
app.conf.broker_connection_max_retries = None
# Tasks only say "drain what is due": one that is cut short because Redis went away is asked for again.
app.conf.worker_cancel_long_running_tasks_on_connection_loss = True
app.autodiscover_tasks()
app.steps["worker"].add(EngineRoom)


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def keep_our_logging(**_: object) -> None:
    """Leave logging as the settings have it: Celery steps back when anybody answers this signal."""
