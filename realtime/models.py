"""Broadcasts that wait for Redis to come back."""

from typing import ClassVar

from django.db import models


class HeldBroadcast(models.Model):
    """
    An event that could not be pushed because Redis was away.

    While one waits, later ones wait behind it, so that nobody sees events out of order.
    """

    event_id = models.BigIntegerField(unique=True)
    held_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["HeldBroadcast"]] = models.Manager()

    def __str__(self) -> str:
        return f"event {self.event_id}"
