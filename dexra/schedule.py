"""What beat asks for, and how often. Every task drains what is due, so a lost or doubled one is harmless."""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "wake snoozed conversations": {"task": "conversations.tasks.wake_snoozed", "schedule": 15.0},
    "register callbacks": {"task": "inboxes.tasks.register_callbacks", "schedule": 10.0},
    "sync templates": {"task": "inboxes.tasks.sync_templates", "schedule": crontab(minute="*/10")},
    "hand in templates": {"task": "inboxes.tasks.hand_in_templates", "schedule": 10.0},
    "look after the lines to providers": {"task": "outbound.tasks.look_after_lines", "schedule": 60.0},
    "purge attempts at sending": {"task": "outbound.tasks.purge", "schedule": crontab(minute="37")},
    "look after webhook endpoints": {"task": "webhooks.tasks.look_after_endpoints", "schedule": 60.0},
    "tidy webhook deliveries": {"task": "webhooks.tasks.tidy_deliveries", "schedule": crontab(minute="*/10")},
    "keep the webhooks' days": {"task": "webhooks.tasks.keep_days", "schedule": crontab(minute="17")},
    "trickle webhook replays": {"task": "webhooks.tasks.trickle_replays", "schedule": 2.0},
    "keep the SDK's files": {"task": "dexra.tasks.keep_sdk", "schedule": crontab(hour="3,15", minute="50")},
    "sweep orphaned files": {"task": "conversations.tasks.sweep_orphans", "schedule": crontab(hour="3", minute="40")},
    "fetch files that came late": {"task": "inbound.tasks.fetch_files", "schedule": 10.0},
    "purge callbacks of providers": {"task": "inbound.tasks.purge", "schedule": crontab(minute="23")},
    "look into mailboxes": {"task": "inbound.tasks.check_mailboxes", "schedule": 10.0},
    "keep the log's days": {"task": "events.tasks.keep_days", "schedule": crontab(minute="7")},
    "forget idempotency keys": {"task": "accounts.tasks.forget_idempotency_keys", "schedule": crontab(minute="*/10")},
}
