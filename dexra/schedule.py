"""What beat asks for, and how often. Every task drains what is due, so a lost or doubled one is harmless."""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "wake snoozed conversations": {"task": "conversations.tasks.wake_snoozed", "schedule": 15.0},
    "look after webhook endpoints": {"task": "webhooks.tasks.look_after_endpoints", "schedule": 60.0},
    "tidy webhook deliveries": {"task": "webhooks.tasks.tidy_deliveries", "schedule": crontab(minute="*/10")},
    "keep the webhooks' days": {"task": "webhooks.tasks.keep_days", "schedule": crontab(minute="17")},
    "trickle webhook replays": {"task": "webhooks.tasks.trickle_replays", "schedule": 2.0},
    "sweep orphaned files": {"task": "conversations.tasks.sweep_orphans", "schedule": crontab(hour="3", minute="40")},
    "keep the log's days": {"task": "events.tasks.keep_days", "schedule": crontab(minute="7")},
    "forget idempotency keys": {"task": "accounts.tasks.forget_idempotency_keys", "schedule": crontab(minute="*/10")},
}
