"""What an operator can read off the webhook engine at ``/metrics``."""

from prometheus_client import Counter, Gauge, Histogram

attempts = Counter("dexra_webhook_attempts", "Attempts that were written down", ["outcome", "lane"])
attempt_seconds = Histogram(
    "dexra_webhook_attempt_seconds",
    "How long endpoints take to answer",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
first_attempt_lag = Histogram(
    "dexra_webhook_first_attempt_lag_seconds",
    "From a delivery's row to its first attempt",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
in_flight = Gauge("dexra_webhook_in_flight", "Deliveries that are claimed and not yet written down in this process")
unsettled = Gauge("dexra_webhook_unsettled", "Results that wait to be written down")
leases_expired = Counter("dexra_webhook_leases_expired", "Leases that ended before a result was written down")
settle_conflicts = Counter("dexra_webhook_settle_conflicts", "Results that came after their lease had gone to another")
results_given_up = Counter(
    "dexra_webhook_results_given_up", "Results that waited for the database until their lease ended"
)
clock_skew = Gauge("dexra_webhook_clock_skew_seconds", "How far this process's clock is ahead of the database's")
released = Counter("dexra_webhook_released", "Claims given back without an attempt, by reason", ["reason"])
blocked_addresses = Counter("dexra_webhook_blocked_addresses", "Attempts to reach an address that is not allowed")
quarantined = Counter("dexra_webhook_quarantined", "Deliveries set aside because they seem to kill whoever takes them")
endpoints_disabled = Counter("dexra_webhook_endpoints_disabled", "Endpoints that were switched off", ["reason"])
