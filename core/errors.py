"""
The errors a caller is meant to see.

    DomainError                  400  the request makes no sense right now
    +-- NotAuthenticated         401  no key, or none that is known
    +-- NotAllowed               403  the caller is known and may not do this
    +-- NotFound                 404  no such thing for this caller
    +-- Gone                     410  it was here; ``successor`` says where it went
    +-- Conflict                 409  it exists in a state that forbids the action
    +-- TooLarge                 413  more bytes than are accepted here
    +-- Invalid                  422  some fields are wrong; ``problems`` names each
    +-- TooMany                  429  slow down; ``retry_after`` says for how long
    +-- Unavailable              503  something below is away; try again

Anything else that escapes a service is a bug and becomes a 500.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field of a request."""

    field: str
    code: str
    message: str
    limit: int | None = None
    actual: int | None = None  # what there was, beside the limit

    def as_json(self) -> dict[str, str | int]:
        """Return ``{field, code, message[, limit][, actual]}``."""
        problem: dict[str, str | int] = {
            "field": self.field,
            "code": self.code,
            "message": self.message,
        }
        if self.limit is not None:
            problem["limit"] = self.limit
        if self.actual is not None:
            problem["actual"] = self.actual
        return problem


class DomainError(Exception):
    """The request makes no sense right now."""

    status = 400
    kind = "invalid_request"
    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after
        if code:
            self.code = code

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong, field by field; empty unless ``Invalid``."""
        return ()

    @property
    def headers(self) -> dict[str, str]:
        """Headers the answer must carry."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class NotAuthenticated(DomainError):
    """No key, or none that is known."""

    status = 401
    kind = "authentication"
    code = "not_authenticated"

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 section 11.6.1 wants every 401 to name a scheme."""
        return {"WWW-Authenticate": 'Bearer realm="dexra"'}


class NotAllowed(DomainError):
    """The caller is known and may not do this."""

    status = 403
    kind = "permission"
    code = "not_allowed"


class NotFound(DomainError):
    """No such thing for this caller."""

    status = 404
    kind = "not_found"
    code = "not_found"


class Gone(DomainError):
    """It was here; ``successor`` is the path of what took its place, if anything did."""

    status = 410
    kind = "not_found"
    code = "gone"

    def __init__(self, message: str, *, successor: str = "", code: str = "") -> None:
        super().__init__(message, code=code)
        self.successor = successor

    @property
    def headers(self) -> dict[str, str]:
        """``Link`` as in RFC 8288, with the relation of RFC 5829."""
        return {"Link": f'<{self.successor}>; rel="successor-version"'} if self.successor else {}


class Conflict(DomainError):
    """It exists in a state that forbids the action."""

    status = 409
    kind = "conflict"
    code = "conflict"


class TooLarge(DomainError):
    """More bytes than are accepted here."""

    status = 413
    code = "too_large"


class Invalid(DomainError):
    """Some fields are wrong; every one of them is named."""

    status = 422
    code = "invalid_fields"

    def __init__(self, *problems: Problem) -> None:
        first = problems[0]
        super().__init__(first.message, code=first.code, param=first.field)
        self._problems = problems

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong, field by field."""
        return self._problems


class TooMany(DomainError):
    """Slow down; ``retry_after`` seconds are enough."""

    status = 429
    kind = "rate_limit"
    code = "rate_limited"


class Unavailable(DomainError):
    """Something below is away; try again."""

    status = 503
    kind = "unavailable"
    code = "unavailable"


def invalid(field: str, message: str, *, code: str = "invalid", limit: int | None = None) -> Invalid:
    """Return the ``Invalid`` for a single field."""
    return Invalid(Problem(field=field, code=code, message=message, limit=limit))
