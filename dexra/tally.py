"""What the processes that serve one port have counted together, so that each of them can tell the whole."""

import os
from collections.abc import Iterator
from contextlib import suppress

import psutil
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from dexra.crew import COUNTS


class Processes(Collector):
    """What Prometheus' client tells of its own process, of a whole crew: this process's parent and its children."""

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        parent = psutil.Process(os.getppid())
        crew = parent.children()
        times = parent.cpu_times()
        spent, resident, files = times.children_user + times.children_system, 0, 0  # so far, of the dead
        for each in (parent, *crew):
            with suppress(psutil.NoSuchProcess), each.oneshot():
                spent += sum(each.cpu_times()[:2])
                resident += each.memory_info().rss
                files += each.num_fds()
        yield CounterMetricFamily("process_cpu_seconds", "CPU time of all processes", spent)
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory, in each what they share", resident)
        yield GaugeMetricFamily("process_open_fds", "Open files of all processes", files)
        yield GaugeMetricFamily("process_start_time_seconds", "When the first of them began", parent.create_time())
        yield GaugeMetricFamily("dexra_web_processes", "Processes that serve", len(crew))


def registry() -> CollectorRegistry:
    """Return what this server counts: this process, or all of its crew together."""
    directory = os.environ.get(COUNTS)
    if not directory:
        return REGISTRY
    together = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(together, directory)  # type: ignore[no-untyped-call]
    together.register(Processes())
    return together
