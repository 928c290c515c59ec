"""What an operator can read at ``/metrics`` about what providers call us with."""

from prometheus_client import Counter, Gauge, Histogram

callbacks = Counter("dexra_inbound_callbacks", "Callbacks of providers at the door", ["channel", "verdict"])
handled = Counter("dexra_inbound_handled", "Callbacks that were handled", ["channel", "outcome"])
lag = Histogram(
    "dexra_inbound_lag_seconds",
    "From a callback's arrival to what it says being told, callbacks that had to wait left out",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
items = Counter("dexra_inbound_items", "What callbacks said", ["kind", "outcome"])
files = Counter("dexra_inbound_files", "Files fetched from providers", ["outcome"])
quarantined = Counter("dexra_inbound_quarantined", "Callbacks set aside because they ended their workers", ["channel"])
in_flight = Gauge("dexra_inbound_in_flight", "Callbacks this process has taken up and not finished")
