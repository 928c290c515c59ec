"""How rows are shown to operators: to be read, found and linked; changed by operations only."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.paginator import Paginator
from django.db import DataError, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from core import ids
from core.filters import Within
from core.operations import OperatedAdmin, list_url, url_of

COUNTED = 10_000
FILTER_ENDINGS = ("", "__exact", "__id__exact", "__isnull")  # of the parameters Django's filters put into links
DATE_ENDINGS = ("__year", "__month", "__day")
NONSENSE = (DisallowedModelAdminLookup, DataError, ValueError, OverflowError)  # what an address written by hand causes
if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator


class CountlessPaginator(_Paginator):
    """Pages of a table of any size: rows are counted up to 10,000 and not beyond."""

    @cached_property
    def count(self) -> int:
        """Return how many there are, or 10,001 for more than 10,000."""
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED + 1].count())


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A list that belongs to a row: ``parameter`` limits it to what hangs on that row."""

    label: str
    model: type[Model]
    parameter: str

    def url(self, row: Model) -> str:
        """Return the list, limited."""
        return f"{list_url(self.model)}?{self.parameter}={row.pk}"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of its own about a row; ``view`` is the end of its URL's name."""

    label: str
    view: str

    def url(self, row: Model) -> str:
        """Return its path."""
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{self.view}", args=[row.pk])


class RecordAdmin(OperatedAdmin):
    """
    Rows to look at. Nothing is added, edited or deleted here: see ``core.operations``.

    ``shown`` names everything that is shown of a row, so that a secret is never shown by accident. ``within`` are
    the foreign keys its list can be limited by: each puts a link on the page of the row it names. ``found_by`` says
    which column a public id of which kind finds. ``related`` are the foreign keys that its line follows.
    """

    shown: tuple[Any, ...] = ()
    related: Sequence[str] = ()
    within: Sequence[str] = ()
    neighbours: Sequence[Neighbour | Page] = ()
    found_by: Mapping[str, str] = {}
    paginator = CountlessPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    ordering = ("-pk",)
    change_form_template = "admin/record.html"
    change_list_template = "admin/records.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may use the admin may look at everything in it."""
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The same."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Never: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: rows are changed by operations."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: what is deleted takes a customer's data with it."""
        return False

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Return what words are looked for in; the search box is there for public ids too."""
        return tuple(self.search_fields) or (("pk",) if self.found_by else ())

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """Put a row's tenant at the end of its line."""
        return (*self.list_display, tenant) if self._has_tenant else tuple(self.list_display)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        """Put a row's tenant first on its page."""
        return ("environment", *self.shown) if self._has_tenant else self.shown

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Put what the list is limited to above the other filters."""
        return [*((name, Within) for name in self.limits()), *self.list_filter]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """
        Load what names a row's tenant, and what its line and its operations need.

        Not by a join: behind a policy PostgreSQL takes every table for a small one, and would join all of a large
        table before it takes the first page of it.
        """
        tenants = ("environment__account",) if self._has_tenant else ()
        return super().get_queryset(request).prefetch_related(*tenants, *self.related)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by a public id, whole, or by the search fields."""
        term = search_term.strip().replace("\x00", "")
        for prefix, column in self.found_by.items():
            row = ids.decode(prefix, term)
            if row is not None:
                return queryset.filter(**{column: row}), False
        if term and not self.search_fields:
            return queryset.none(), False
        return super().get_search_results(request, queryset, term)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a row with what may be done to it and what hangs on it."""
        row = self.get_object(request, object_id)
        context: dict[str, Any] = {} if row is None else self._around(request, row)
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """
        Whether a list may be asked for ``lookup``: only what its filters offer.

        Django would allow every column of the model, and whoever can compare a secret can guess it letter by letter.
        """
        named = [_filtered_by(each) for each in self.get_list_filter(request)]
        offered = {name + ending for name in named for ending in FILTER_ENDINGS}
        return lookup in offered | {f"{self.date_hierarchy}{ending}" for ending in DATE_ENDINGS}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with what may be done beside it; without its filters where they make no sense."""
        context = {"operations": self.operations_on_list(request), "counted": COUNTED, "title": None}
        try:
            with transaction.atomic():  # what the database refuses must not spoil the page's own transaction
                response = super().changelist_view(request, {**context, **(extra_context or {})})
                return response.render() if isinstance(response, TemplateResponse) else response
        except NONSENSE:
            if request.method != "GET" or not request.GET.keys() - {ERROR_FLAG}:
                raise
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")

    def name_of(self, row: Any) -> str:
        """Return what the page of a row is headed with."""
        return str(getattr(row, "public_id", row))

    def tenant_of(self, row: Any) -> Any:
        """Return the environment a row belongs to, with its account; None for what belongs to no tenant."""
        return row.environment if self._has_tenant else None

    def _around(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        links = [{"label": n.label, "url": n.url(row)} for n in (*self.neighbours, *self._discovered())]
        return {
            "operations": self.operations_on(request, row),
            "neighbours": links,
            "tenant": self.tenant_of(row),
            "title": capfirst(f"{self.opts.verbose_name} {self.name_of(row)}"),
            "subtitle": None,
        }

    def _discovered(self) -> list[Neighbour]:
        """Return the lists that can be limited to a row of this kind."""
        return [
            Neighbour(capfirst(str(model._meta.verbose_name_plural)), model, f"{name}__id__exact")
            for model, other in self.admin_site._registry.items()  # noqa: SLF001  the site offers no other way
            if isinstance(other, RecordAdmin)
            for name in other.limits()
            if model._meta.get_field(name).related_model is self.model
        ]

    def limits(self) -> Sequence[str]:
        """Return the foreign keys its list can be limited by."""
        return ("environment", *self.within) if self._has_tenant else self.within

    @cached_property
    def _has_tenant(self) -> bool:
        return any(field.name == "environment" for field in self.opts.fields)


def _filtered_by(declared: Any) -> str:
    """Return the column or the parameter that an entry of ``list_filter`` names."""
    named = getattr(declared, "parameter_name", declared)
    return str(named[0] if isinstance(named, tuple) else named)


@admin.display(description="tenant", ordering="environment")
def tenant(row: Any) -> SafeString:
    """Name the account and the environment a row belongs to."""
    return named_tenant(row.environment.account.name, row.environment.kind, url_of(row.environment))


def named_tenant(account: str, kind: str, url: str) -> SafeString:
    """Return the link every list shows for a tenant."""
    return format_html('<a href="{}">{}</a> <span class="badge {}">{}</span>', url, account, kind, kind)


@admin.display(description="id", ordering="pk")
def identity(row: Any) -> str:
    """Name a row as the API does."""
    return str(row.public_id)


def pretty(name: str, label: str = "") -> Callable[[Any], SafeString | str]:
    """Return a field that shows JSON as people read it."""

    @admin.display(description=label or name.replace("_", " "))
    def field(row: Any) -> SafeString | str:
        value = getattr(row, name)
        return as_json(value) if value else "-"

    return field


def as_json(value: Any) -> SafeString:
    """Return JSON, indented, for a page."""
    return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))


def linked(name: str, label: str = "") -> Callable[[Any], SafeString | str]:
    """Return a column that leads to the row a foreign key names."""

    @admin.display(description=label or name.replace("_", " "), ordering=name)
    def column(row: Any) -> SafeString | str:
        target = getattr(row, name, None)  # a key without a constraint may name what is gone
        return "-" if target is None else format_html('<a href="{}">{}</a>', url_of(target), target)

    return column


def leading(prefix: str, column: str, label: str) -> Callable[[Any], SafeString | str]:
    """Return a column that leads to the row of another kind whose number ``column`` holds."""

    @admin.display(description=label, ordering=column)
    def link(row: Any) -> SafeString | str:
        number = getattr(row, column)
        return "-" if number is None else to_find(ids.encode(prefix, number))

    return link


def to_find(public_id: str) -> SafeString:
    """Return a link to whatever a public id names."""
    return format_html('<a href="{}?q={}">{}</a>', reverse("admin:find"), public_id, public_id)
