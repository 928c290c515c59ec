"""The operator, as services and the audit log know them."""

from django.http import HttpRequest

from accounts.models import User
from accounts.services.audit import Who


def operator(request: HttpRequest) -> Who:
    """Return who uses the admin; its login has let them in already."""
    person = request.user
    assert isinstance(person, User)
    return Who("operator", person.email, person, getattr(request, "client_ip", None))
