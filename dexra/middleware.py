"""What every HTTP request goes through, whichever door it takes."""

import io
import ipaddress
import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import IO, Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from prometheus_client import Counter, Histogram

from accounts.views import database_away, envelope
from core import ids, tenancy
from core.errors import DomainError, TooLarge
from core.logs import loggable_path

Answer = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("dexra.http")
requests = Counter("dexra_http_requests", "Answered requests", ["surface", "method", "status"])
seconds = Histogram("dexra_http_request_seconds", "Time to answer", ["surface"])
APIS = ("/v1/", "/client/", "/public/", "/inbound/")
SURFACES = (*APIS, "/admin/", "/files/")
EPILOGUE_BYTES = 1024  # what may stand behind the last boundary; nobody sends more than a line break
QUIET = ("/healthz", "/readyz", "/metrics", "/static/", "/sdk/")


class RequestScope:
    """Gives the request an id and a clean database session, and logs it once."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = "req_" + ids.new_token(20)
        request.request_id = request_id  # type: ignore[attr-defined]
        request.client_ip = client_ip(request)  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        tenancy.start_clean()
        started = time.perf_counter()
        with connection.execute_wrapper(tenancy.reset_stale):
            response = self.answer(request)
        self._note(request, response, time.perf_counter() - started)
        response["Request-Id"] = request_id
        return response

    def _note(self, request: HttpRequest, response: HttpResponse, took: float) -> None:
        surface = next((s for s in SURFACES if request.path.startswith(s)), "other")
        _answered(surface, request.method, response.status_code).inc()
        _took(surface).observe(took)
        if not request.path.startswith(QUIET):
            log.info(
                "request",
                method=request.method,
                path=loggable_path(request.path),
                status=response.status_code,
                ms=round(took * 1000, 1),
            )


class FailureGuard:
    """Turns what escapes a view into an answer a client can read: 503 for an absent database, else 500."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 503 where the database is away, the error's own status where it has one; leave bugs to Django."""
        if isinstance(error, OperationalError | InterfaceError):
            log.warning("database_away", error=type(error).__name__)
            return render(request, database_away())
        return render(request, error) if isinstance(error, DomainError) else None


class BodyLimit:
    """Refuses bodies that are too long, files may be longer, and forms that were cut off on their way."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        multipart = (request.content_type or "").startswith("multipart/form-data")
        usual = settings.MAX_ATTACHMENT_BYTES + settings.MAX_BODY_BYTES if multipart else settings.MAX_BODY_BYTES
        limit = next(
            (most for at, most in settings.MAX_CALLBACK_BYTES.items() if request.path_info.startswith(at)), usual
        )
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > limit:
            is_file = multipart and request.path_info.startswith("/client/")
            return render(request, too_large(limit, code="file_too_large" if is_file else ""))
        if multipart and is_cut_off(request, int(length) if length.isdigit() else 0):
            return render(
                request, DomainError("The form ends before its last boundary; send it again.", code="cut_off")
            )
        try:
            return self.answer(request)
        except RawPostDataException:
            return render(request, DomainError("The body could not be read."))


class StraightToApis:
    """
    Takes the APIs' requests past the middlewares that follow: they are there for pages.

    The APIs read no cookie, so they need neither sessions nor messages. What is left of those middlewares for them is
    done here: the host is checked, and a browser that shows an answer as a page does no harm with it. A view below
    these paths that is not exempt from Django's CSRF check refuses everything that changes something.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self._view: Answer = _innermost(answer)
        self._headers = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}
        seconds = settings.SECURE_HSTS_SECONDS
        self._secure_headers = {**self._headers, "Strict-Transport-Security": f"max-age={seconds}"}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(APIS):
            return self.answer(request)
        request.get_host()
        response = self._view(request)
        is_secure = settings.SECURE_HSTS_SECONDS and request.is_secure()
        for name, value in (self._secure_headers if is_secure else self._headers).items():
            response.headers.setdefault(name, value)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response


def _innermost(answer: Any) -> Any:
    """Return the last step of a chain of middlewares: what calls the view."""
    while (following := getattr(getattr(answer, "__wrapped__", answer), "get_response", None)) is not None:
        answer = following
    return answer


@cache
def _answered(surface: str, method: str, status: int) -> Counter:
    return requests.labels(surface, method, str(status))


@cache
def _took(surface: str) -> Histogram:
    return seconds.labels(surface)


def render(request: HttpRequest, error: DomainError) -> JsonResponse:
    """Return an error in the words of the door it came through."""
    if request.path.startswith("/public/"):
        body = {"status": error.status, "error": HTTPStatus(error.status).phrase}
        # Without the header a browser hides the answer from the page that asked.
        headers = {**error.headers, "Access-Control-Allow-Origin": "*"}
        return JsonResponse(body, status=error.status, headers=headers)
    # Without the header a browser hides the answer from the page that asked.
    open_to = {"Access-Control-Allow-Origin": "*"} if request.path.startswith("/client/") else {}
    return JsonResponse(envelope(error), status=error.status, headers={**error.headers, **open_to})


def is_cut_off(request: HttpRequest, length: int) -> bool:
    """
    Whether a form lacks the boundary that ends it (RFC 2046 section 5.1.1): Django would take what is there as all.

    Only a body that was read whole before (as the bridge does) can be looked at from its end.
    """
    boundary = (request.content_params or {}).get("boundary")
    body: IO[bytes] = request.META.get("wsgi.input") or io.BytesIO()
    if not boundary or not length or not body.seekable():
        return False
    body.seek(max(0, length - len(boundary) - EPILOGUE_BYTES))
    end = body.read()
    body.seek(0)
    return f"--{boundary}--".encode() not in end


def too_large(limit: int, *, code: str = "") -> TooLarge:
    """The error of a body beyond ``limit`` bytes."""
    return TooLarge(f"The body is larger than {limit // (1024 * 1024)} MiB.", code=code)


def client_ip(request: HttpRequest) -> str:
    """
    Return the caller's address; behind a proxy the one its trusted header names.

    Of several the last: a proxy appends to what the caller sent, which may be anything.
    """
    named = request.META.get(settings.CLIENT_IP_HEADER, "") if settings.CLIENT_IP_HEADER else ""
    last = named.rpartition(",")[2].strip()
    return last if _is_address(last) else str(request.META.get("REMOTE_ADDR") or "")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone means nothing elsewhere, and the audit log's column refuses it
