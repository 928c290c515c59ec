"""
The operators' admin: Django's own, behind a throttled login, looking across every tenant.

A page of the admin sees all tenants from the moment its operator is known until it has been rendered, and nothing
else ever does: the login page is bound to nobody, and what was bound is let go of before the answer leaves.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from psycopg.errors import QueryCanceled

from core import ids, tenancy
from core.admin import RecordAdmin
from core.operations import list_url, url_of
from dexra import logins, vitals
from dexra.sealing import seal

PATIENCE_SECONDS = 20

View = Callable[..., HttpResponse]


class LoginForm(AdminAuthenticationForm):
    """The login, which counts tries before it looks at a password."""

    def clean(self) -> dict[str, Any]:
        """Refuse who tried too often, then whoever Django refuses. Raises ValidationError."""
        email = (self.cleaned_data.get("username") or "").strip().lower()  # as accounts are stored
        self.cleaned_data["username"] = email
        wait = logins.count_try(email, getattr(self.request, "client_ip", ""))
        if wait:
            minutes = -(-wait // 60)
            raise ValidationError(f"Too many tries. Wait {minutes} min and try again.", code="throttled")
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class OperatorsSite(admin.AdminSite):
    """The admin."""

    site_header = "Dexra operators"
    site_title = "Dexra operators"
    index_title = "How it is doing"
    login_form = LoginForm
    enable_nav_sidebar = False

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002  Django's signature
        """Let operators in; only then is the connection bound to everyone."""
        return super().admin_view(_seeing_everyone(view), cacheable)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add the page that finds a row by its public id."""
        return [path("find/", self.admin_view(self.find), name="find"), *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Log an operator in; too many tries are a 429."""
        response = super().login(request, extra_context)
        form = getattr(response, "context_data", {}).get("form")
        if form is not None and form.is_bound and form.has_error("__all__", "throttled"):
            response.status_code = 429
        return seal(response)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show how the installation is doing, then everything there is to look at."""
        return super().index(request, {"signs": vitals.signs(), **(extra_context or {})})

    def find(self, request: HttpRequest) -> HttpResponse:
        """Lead to the row a public id names; other words lead to the lists that can be searched for them."""
        words = request.GET.get("q", "").strip().replace("\x00", "")
        found = self._named(request, words)
        if found is not None:
            return HttpResponseRedirect(url_of(found))
        context = {**self.each_context(request), "title": "Find", "words": words, "lists": self._searchable()}
        return TemplateResponse(request, "admin/find.html", context)

    def _named(self, request: HttpRequest, public_id: str) -> Model | None:
        for page in self._registry.values():
            for prefix, column in page.found_by.items() if isinstance(page, RecordAdmin) else ():
                row = ids.decode(prefix, public_id) if column == "pk" else None
                if row is not None:
                    named: Model | None = page.get_queryset(request).filter(pk=row).first()
                    return named
        return None

    def _searchable(self) -> list[dict[str, str]]:
        return [
            {"name": str(page.opts.verbose_name_plural), "url": list_url(page.model)}
            for page in self._registry.values()
            if page.search_fields
        ]


def _seeing_everyone(view: View) -> View:
    @wraps(view)
    def bound(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with tenancy.everyone(), _patience(request):
                response = view(request, *args, **kwargs)
                if isinstance(response, TemplateResponse):
                    response.render()  # a template asks the database too
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            response = TemplateResponse(request, "admin/too_slow.html", {"seconds": PATIENCE_SECONDS}, status=503)
        return seal(response)

    return bound


@contextmanager
def _patience(request: HttpRequest) -> Iterator[None]:
    """Give a page some seconds of the database: a careless filter must not hold up a customer's tables."""
    if request.method not in {"GET", "HEAD"}:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{PATIENCE_SECONDS}s"])
        yield
