"""One row per event. The table is partitioned by day; only ``position`` is ever written twice."""

from typing import ClassVar

from django.db import models


class LoggedEvent(models.Model):
    """
    An event as it stands in the log.

    ``position`` is its place in the feed, given once by the relay: until then the event is pending. Positions rise
    in the order transactions committed, which ids do not; a reader that asks for "everything after" uses them.
    """

    id = models.BigAutoField(primary_key=True)
    environment_id = models.BigIntegerField()
    livemode = models.BooleanField()
    type = models.CharField(max_length=60)
    conversation_id = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField(null=True)
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64, null=True)
    api_version = models.CharField(max_length=10)
    occurred_at = models.DateTimeField()
    data = models.JSONField()
    context = models.JSONField()
    position = models.BigIntegerField(null=True)

    unscoped: ClassVar[models.Manager["LoggedEvent"]] = models.Manager()

    class Meta:
        db_table = "events_event"
        verbose_name = "event"
        indexes = [
            models.Index(fields=["environment_id", "position"], name="events_feed"),
            models.Index(fields=["environment_id", "conversation_id", "sequence"], name="events_conversation"),
            models.Index(fields=["id"], name="events_pending", condition=models.Q(position__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"

    @classmethod
    def of(cls, environment: models.Model) -> "models.QuerySet[LoggedEvent]":
        """Return the events of one environment."""
        return cls.unscoped.filter(environment_id=environment.pk)
