"""What an operator can read off the cable at ``/metrics``."""

from typing import Any

from prometheus_client import Counter, Gauge, Histogram

# Where several processes serve a port, each counts its own, and what is told is all of theirs that live.
TOGETHER: Any = {"multiprocess_mode": "livesum"}
sockets_open = Gauge("dexra_cable_sockets", "Sockets that are open", **TOGETHER)
subscriptions = Gauge("dexra_cable_subscriptions", "Subscriptions that stand", **TOGETHER)
streams = Gauge("dexra_cable_streams", "Streams that are listened to", **TOGETHER)
link_up = Gauge("dexra_cable_link_up", "1 while every process hears Redis", multiprocess_mode="livemin")
frames_sent = Counter("dexra_cable_frames", "Messages handed to sockets")
slow_sockets = Counter("dexra_cable_slow_sockets", "Sockets cut because they did not read fast enough")
disconnects = Counter("dexra_cable_disconnects", "Sockets told to go, by reason", ["reason"])
protocol_errors = Counter("dexra_cable_protocol_errors", "What clients said wrongly, by kind", ["kind"])
ignored_commands = Counter("dexra_cable_ignored_commands", "Commands without an effect, by kind", ["kind"])
rejections = Counter("dexra_cable_rejections", "Subscriptions refused, by reason", ["reason"])
repairs = Counter("dexra_cable_repairs", "Streams that had to be looked after, by outcome", ["outcome"])
resumes = Counter("dexra_cable_resumes", "Histories asked for, by outcome", ["outcome"])
restores = Counter("dexra_cable_restores", "Sessions asked for, by outcome", ["outcome"])
delivery_lag = Histogram(
    "dexra_cable_delivery_lag_seconds",
    "From publishing to handing over to the sockets of this process",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
