"""How much waits for Redis."""

from datetime import timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from events.backlog import LATE_SECONDS, Backlog
from realtime.models import HeldBroadcast


def held_back() -> Backlog:
    """Return the pushes that are held back until Redis answers."""
    now = timezone.now()
    late = Q(held_at__lt=now - timedelta(seconds=LATE_SECONDS))
    found = HeldBroadcast.objects.aggregate(waiting=Count("pk"), oldest=Min("held_at"), late=Count("pk", filter=late))
    seconds = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return Backlog(found["waiting"], seconds, found["late"])
