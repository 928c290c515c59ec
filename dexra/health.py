"""``/healthz`` and ``/readyz``: whether this process lives, and whether the product can serve."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from types import MappingProxyType

import structlog
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from core import redis as redis_connections
from dexra import pulse

CHECK_SECONDS = 2.0
NO_STORE = {"Cache-Control": "no-store"}

log = structlog.get_logger(__name__)


class _Migrated:
    """A database never becomes unmigrated again, so the positive answer is kept."""

    known = False


def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process lives, whatever else is broken."""
    return JsonResponse({"status": "ok"}, headers=NO_STORE)


def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when requests can be served, else 503 with the reason of each check that failed."""
    until = time.monotonic() + CHECK_SECONDS
    asked = {name: _checkers().submit(check) for name, check in CHECKS.items()}
    results = {name: _result(answer, until - time.monotonic()) for name, answer in asked.items()}
    if all(result == "ok" for result in results.values()):
        return JsonResponse({"status": "ok", "checks": results}, headers=NO_STORE)
    return JsonResponse({"status": "unavailable", "checks": results}, status=503, headers=NO_STORE)


def check_database() -> str:
    """Return "ok" when the database answers and every migration is applied."""
    try:
        if _Migrated.known:
            connection.ensure_connection()
            return "ok"
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    finally:
        connection.close()  # this thread's own: asked rarely, it is not worth a place among the database's connections
    _Migrated.known = not missing
    return "ok" if not missing else f"migrations are not applied: {len(missing)}; run manage.py migrate"


def check_redis() -> str:
    """Return "ok" when Redis answers."""
    redis_connections.client().ping()
    return "ok"


def check_worker() -> str:
    """Return "ok" when a worker has been seen in the last 15 s."""
    return "ok" if pulse.is_seen("worker") else "no worker was seen in the last 15 s"


CHECKS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {"database": check_database, "redis": check_redis, "worker": check_worker}
)


@cache
def _checkers() -> ThreadPoolExecutor:
    """Threads of our own: a check that hangs must not hold a request's thread, and at most these few can hang."""
    return ThreadPoolExecutor(max_workers=len(CHECKS) * 2, thread_name_prefix="readyz")


def _result(answer: "Future[str]", seconds: float) -> str:
    try:
        return answer.result(max(seconds, 0.0))
    except TimeoutError:
        answer.cancel()
        return f"no answer within {CHECK_SECONDS:.0f} s"
    except Exception as error:  # noqa: BLE001  whatever is broken, the answer is 503
        log.warning("check_failed", reason=str(error))
        return f"no answer ({type(error).__name__})"  # the error's text may name hosts and users
