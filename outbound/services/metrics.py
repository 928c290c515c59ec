"""What an operator can read off the outbound engine at ``/metrics``."""

from prometheus_client import Counter, Gauge, Histogram

attempts = Counter("dexra_outbound_attempts", "Attempts that were written down", ["channel", "outcome"])
call_seconds = Histogram(
    "dexra_outbound_call_seconds",
    "How long providers take to answer",
    ["channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
first_attempt_lag = Histogram(
    "dexra_outbound_first_attempt_lag_seconds",
    "From a message's place in the queue to its first attempt",
    ["lane"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
in_flight = Gauge("dexra_outbound_in_flight", "Messages that are claimed and not yet written down in this process")
unsettled = Gauge("dexra_outbound_unsettled", "Results that wait to be written down")
leases_expired = Counter("dexra_outbound_leases_expired", "Leases that ended before a result was written down")
settle_conflicts = Counter("dexra_outbound_settle_conflicts", "Results that came after their lease had gone to another")
results_given_up = Counter(
    "dexra_outbound_results_given_up", "Results that waited for the database until their lease ended"
)
in_doubt = Counter("dexra_outbound_in_doubt", "Messages of which nobody knew whether they had arrived", ["channel"])
released = Counter("dexra_outbound_released", "Claims given back without an attempt, by reason", ["reason"])
disconnected = Counter("dexra_outbound_disconnected", "Inboxes whose provider refused their credentials")
fallbacks = Counter("dexra_outbound_fallbacks", "Steps of chains that were taken", ["trigger"])
