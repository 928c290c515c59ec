"""JSON logs: one object a line, with the request's id, never with a message's body nor a credential."""

import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any

import psycopg
import structlog
from django.db import Error as DatabaseFailure

# What follows one of these words in a path opens the door to somebody's conversation or file.
BEFORE_CREDENTIALS = {"/public/": ("contacts", "csat_survey"), "/files/": ("files",), "/survey/": ("responses",),
                      "/u/": ("u",)}  # fmt: skip

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def loggable_path(path: str) -> str:
    """Return a path without the credentials it carries."""
    parts = path.split("/")
    words = next((words for door, words in BEFORE_CREDENTIALS.items() if path.startswith(door)), ())
    for word in words:
        if word in parts[:-1]:
            parts[parts.index(word) + 1] = "…"
    return "/".join(parts)


def loggable_error(error: BaseException) -> str:
    """Return what an error says; of a database's only its kind and SQLSTATE, for its text quotes rows."""
    if not isinstance(error, DatabaseFailure | psycopg.Error):
        return "".join(traceback.format_exception_only(error)).rstrip()
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    return f"{type(error).__module__}.{type(error).__qualname__} (SQLSTATE {state or 'unknown'})"


def loggable_traceback(exc_info: ExcInfo) -> str:
    """Return an error with what led to it, first things first, each in the words of ``loggable_error``."""
    told = [f"{_places(error)}{loggable_error(error)}" for error in _led_to(exc_info[1])]
    return "\n\nwhich led to:\n\n".join(reversed(told))


def loggable_places(error: BaseException) -> str:
    """Return what led to an error without a word of what it says: it may quote what nobody may read."""
    told = [f"{_places(each)}{type(each).__module__}.{type(each).__qualname__}" for each in _led_to(error)]
    return "\n\nwhich led to:\n\n".join(reversed(told))


def _places(error: BaseException) -> str:
    return "Traceback (most recent call last):\n" + "".join(traceback.format_tb(error.__traceback__))


def _led_to(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then the members of a group, then what it came from."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        members = found.exceptions if isinstance(found, BaseExceptionGroup) else ()
        waiting += [*members, found.__cause__, None if found.__suppress_context__ else found.__context__]


def _quiet_foreign(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take credentials and rows out of a sentence that a library wrote."""
    said = str(entry["event"])
    path = getattr(getattr(entry["_record"], "request", None), "path", "")
    for spelt in (path, path.encode("unicode_escape").decode()) if path else ():  # Django escapes what it logs
        said = said.replace(spelt, loggable_path(spelt))
    error = (entry.get("exc_info") or (None, None))[1]
    for each in _led_to(error) if error else ():
        if isinstance(each, DatabaseFailure | psycopg.Error) and str(each):
            said = said.replace(repr(each), loggable_error(each)).replace(str(each), loggable_error(each))
    return {**entry, "event": said}


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(loggable_traceback),
]


def structlog_settings() -> dict[str, Any]:
    """Return the arguments of ``structlog.configure``."""
    return {
        "processors": [
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        "logger_factory": structlog.stdlib.LoggerFactory(),
        "wrapper_class": structlog.stdlib.BoundLogger,
        "cache_logger_on_first_use": True,
    }


def logging_settings(*, level: str) -> dict[str, Any]:
    """Return Django's ``LOGGING``: everything goes to standard error as JSON lines."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [_quiet_foreign, *SHARED_PROCESSORS],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Every request is logged once, by our own middleware.
            "django.server": {"handlers": [], "propagate": False},
            "uvicorn.access": {"handlers": [], "propagate": False},
            "django.request": {"level": "ERROR"},
            # They name URLs and headers, and some providers want their tokens there.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
        },
    }
