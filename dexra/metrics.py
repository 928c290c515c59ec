"""``/metrics``: what this server counts, and what waits in the database at the moment of the scrape."""

import threading
from collections.abc import Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core import crypto, tenancy
from core.errors import NotAuthenticated, NotFound
from dexra import tally, vitals

PATIENCE_SECONDS = 2  # a scrape gives up before Prometheus does

log = structlog.get_logger(__name__)


class Queues(Collector):
    """What waits in the database, asked at each scrape; while it is away only ``dexra_database_up`` is told."""

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        up = GaugeMetricFamily("dexra_database_up", "1 while the database answers")
        waiting = GaugeMetricFamily("dexra_queue_waiting", "Rows that wait", labels=["queue"])
        late = GaugeMetricFamily("dexra_queue_late", "Rows that have waited for more than 10 s", labels=["queue"])
        oldest = GaugeMetricFamily("dexra_queue_oldest_seconds", "Age of the oldest row that waits", labels=["queue"])
        try:
            found = _backlogs()
        except DatabaseFailure as error:
            log.warning("queues_not_measured", error=type(error).__name__)
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        for name, backlog in found.items():
            waiting.add_metric([name], backlog.waiting)
            late.add_metric([name], backlog.late)
            oldest.add_metric([name], backlog.oldest_seconds)
        yield from (up, waiting, late, oldest)


# Not in the process's own registry: a worker tells what it counts, the web tells what waits, and nothing is told twice.
OF_THE_DATABASE = CollectorRegistry(auto_describe=False)
OF_THE_DATABASE.register(Queues())


def metrics(request: HttpRequest) -> HttpResponse:
    """
    Answer a scrape in Prometheus' text format.

    Raises NotAuthenticated without the token, where there is one; NotFound in production where there is none.
    """
    if _is_closed():
        raise NotFound("No such path.")
    if not _may_scrape(request.META.get("HTTP_AUTHORIZATION", "")):
        raise NotAuthenticated("Send the token: Authorization: Bearer …", code="invalid_token")
    told = generate_latest(tally.registry()) + generate_latest(OF_THE_DATABASE)
    return HttpResponse(told, content_type=CONTENT_TYPE_LATEST)


class MetricsServer:
    """An engine of the worker: serves what the worker counts on ``DEXRA_WORKER_METRICS_PORT``, at any path."""

    name = "metrics"

    def __init__(self, port: int) -> None:
        self._port = port

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop. Raises OSError when the port is taken."""
        server = make_server("", self._port, _guarded(make_wsgi_app()), _Server, _QuietHandler)
        serving = threading.Thread(target=server.serve_forever, name="metrics-server", daemon=True)
        serving.start()
        try:
            stop.wait()
        finally:
            server.shutdown()
            server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    """Serves each scrape in a thread of its own, so that a slow one holds up nothing."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Leaves scrapes out of the log."""

    timeout = 10.0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
        """Say nothing."""


def _guarded(application: Any) -> Any:
    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _is_closed():
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        if _may_scrape(environ.get("HTTP_AUTHORIZATION", "")):
            return list(application(environ, start_response))
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Length", "0")])
        return []

    return answer


def _is_closed() -> bool:
    """Whether nobody was meant to look: how busy an installation is concerns no stranger."""
    return bool(settings.IS_PRODUCTION and not settings.METRICS_TOKEN)


def _may_scrape(authorization: str) -> bool:
    token = settings.METRICS_TOKEN
    return not token or crypto.same(authorization, f"Bearer {token}")


def _backlogs() -> dict[str, Any]:
    with tenancy.everyone(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{PATIENCE_SECONDS}s"])
        return vitals.backlogs()
