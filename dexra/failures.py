"""What a client is told where no view answered: in the words of the door it came through."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from core.errors import DomainError, NotFound
from dexra.middleware import SURFACES, render

MACHINES = tuple(surface for surface in SURFACES if surface != "/admin/")


class Broken(DomainError):
    """A mistake of ours; it is in the log under the request's id."""

    status = 500
    kind = "internal"
    code = "internal_error"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refuses: a host that is not ours, a form beyond all measure."""
    if request.path.startswith(MACHINES):
        return render(request, DomainError("The request makes no sense."))
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that leads nowhere."""
    if request.path.startswith(MACHINES):
        return render(request, NotFound("No such path."))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that met a bug; Django has logged it."""
    if request.path.startswith(MACHINES):
        return render(request, Broken("Something broke on our side. Name the request id when you ask for help."))
    return defaults.server_error(request)
