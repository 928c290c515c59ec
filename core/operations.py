"""
What operators may do to a row in the admin: a page that explains, a button, one service.

The admin changes nothing in any other way. An operation calls a service, so that whatever a change brings with it
(events, audit entries) happens here as it does everywhere else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from core import ids
from core.errors import DomainError

MOST_ROWS = 200
FORMS_KEPT_OPEN = 20
OPEN_FORMS = "open_operations"

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


def _always(_row: Any) -> bool:
    return True


def _empty(_row: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What an operation did.

    ``secret`` is shown on the answering page and never again. ``row`` is where the operator is taken, unless that is
    the row itself.
    """

    said: str
    secret: str = ""
    row: Model | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One thing operators may do; ``act(request, row, values)`` calls the service. Without a row it hangs on the list.

    ``explains`` says what will happen, before it does. A grave one cannot be undone. ``for_many`` offers it in lists
    for the rows that are ticked; it has no form then.
    """

    name: str
    label: str
    act: Callable[[HttpRequest, Any, dict[str, Any]], Outcome]
    explains: str
    form: type[forms.Form] = forms.Form
    initial: Callable[[Any], dict[str, Any]] = _empty
    is_offered: Callable[[Any], bool] = _always
    is_grave: bool = False
    for_many: bool = False


class OperatedAdmin(_ModelAdmin):
    """An admin page whose buttons are operations."""

    operations: tuple[Operation, ...] = ()
    list_operations: tuple[Operation, ...] = ()
    operation_template = "admin/operation.html"
    secret_template = "admin/secret.html"  # noqa: S105  a file's name

    def may_operate(self, request: HttpRequest) -> bool:
        """Whether the operator may change anything; the others look."""
        return bool(getattr(request.user, "is_superuser", False))

    def operations_on(self, request: HttpRequest, row: Model) -> list[dict[str, Any]]:
        """Return the buttons of a row's page: ``{label, url, is_grave}``."""
        offered = self.operations if self.may_operate(request) else ()
        return [_button(o, self._url("operate", row.pk, o.name)) for o in offered if o.is_offered(row)]

    def operations_on_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the buttons of the list's page."""
        offered = self.list_operations if self.may_operate(request) else ()
        return [_button(operation, self._url("operate_list", operation.name)) for operation in offered]

    def get_urls(self) -> list[URLPattern]:
        """Add the operations' pages to the stock ones."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view(self.operation_view)
        return [
            path("do/<slug:name>/", view, name=f"{name}_operate_list"),
            path("<path:object_id>/do/<slug:name>/", view, name=f"{name}_operate"),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the operations for ticked rows as the admin's actions; nothing stock, nothing deletes."""
        offered = self.operations if self.may_operate(request) else ()
        return {o.name: (_for_ticked(o), o.name, o.label) for o in offered if o.for_many}

    def operation_view(self, request: HttpRequest, name: str, object_id: str | None = None) -> HttpResponse:
        """Explain an operation, and do it when its button was pressed."""
        offered = self.list_operations if object_id is None else self.operations
        operation = next((operation for operation in offered if operation.name == name), None)
        row = None if object_id is None else self.get_object(request, unquote(object_id))
        if operation is None or (object_id is not None and row is None):
            raise Http404
        if not self.may_operate(request):
            raise PermissionDenied
        if not operation.is_offered(row):
            self.message_user(request, f"“{operation.label}” makes no sense for this one now.", messages.WARNING)
            return HttpResponseRedirect(self._place(row))
        form = operation.form(request.POST if request.method == "POST" else None, initial=operation.initial(row))
        if form.is_bound and form.is_valid():
            answer = self._act(request, operation, row, form)
            if answer is not None:
                return answer
        return self._page(request, operation, form, rows=[] if row is None else [row], back=self._place(row))

    def operate_on_ticked(self, request: HttpRequest, operation: Operation, rows: QuerySet[Any]) -> HttpResponse | None:
        """Ask once, then do it row by row; what is refused is named and stops nothing else."""
        ticked = list(rows[: MOST_ROWS + 1])
        if len(ticked) > MOST_ROWS:
            self.message_user(request, f"At most {MOST_ROWS} at a time.", messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            back = request.get_full_path()
            return self._page(request, operation, operation.form(), rows=ticked, back=back, ticked=ACTION_CHECKBOX_NAME)
        done = 0
        for row in ticked:
            try:
                if not operation.is_offered(row):
                    continue
                outcome = operation.act(request, row, {})
            except DomainError as refused:
                self.message_user(request, f"{row}: {refused.message}", messages.ERROR)
                continue
            self._note(request, operation, outcome, row)
            done += 1
        self.message_user(request, f"{operation.label}: {done} of {len(ticked)} done.", messages.SUCCESS)
        return None

    def _act(
        self, request: HttpRequest, operation: Operation, row: Model | None, form: forms.Form
    ) -> HttpResponse | None:
        """Do it once; None when the service refused, with the reason in the form."""
        if not _take_form(request):
            self.message_user(request, "This form was sent before; nothing was done again.", messages.WARNING)
            return HttpResponseRedirect(self._place(row))
        described = str(row)
        try:
            outcome = operation.act(request, row, form.cleaned_data)
        except DomainError as refused:
            form.add_error(None, refused.message)
            return None
        self._note(request, operation, outcome, row)
        target = outcome.row or row
        place = self._place(target)
        if outcome.secret:
            return self._show_secret(request, operation, outcome, described, place)
        self.message_user(request, outcome.said, messages.SUCCESS)
        return HttpResponseRedirect(place)

    def _page(self, request: HttpRequest, operation: Operation, form: forms.Form, **more: Any) -> HttpResponse:
        """Return the page that explains; ``more`` says which ``rows``, and where ``back`` is."""
        context = {
            **self.admin_site.each_context(request),
            "title": operation.label,
            "opts": self.opts,
            "operation": operation,
            "form": form,
            "once": _give_form(request),
            **more,
        }
        return TemplateResponse(request, self.operation_template, context)

    def _show_secret(
        self, request: HttpRequest, operation: Operation, outcome: Outcome, described: str, place: str
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": operation.label,
            "opts": self.opts,
            "outcome": outcome,
            "described": described,
            "place": place,
        }
        return TemplateResponse(request, self.secret_template, context, headers={"Cache-Control": "no-store"})

    def _note(self, request: HttpRequest, operation: Operation, outcome: Outcome, row: Model | None) -> None:
        """Keep it in the admin's own history too, which knows accounts and people as well as tenants' rows."""
        target = row if row is not None and row.pk is not None else outcome.row
        if target is not None and target.pk is not None:
            self.log_change(request, target, operation.label)

    def _place(self, row: Model | None) -> str:
        return list_url(self.model) if row is None else url_of(row)

    def _url(self, view: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{view}", args=args)


def _for_ticked(operation: Operation) -> Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]:
    def act(model_admin: OperatedAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        return model_admin.operate_on_ticked(request, operation, rows)

    return act


def _button(operation: Operation, url: str) -> dict[str, Any]:
    return {"label": operation.label, "url": url, "is_grave": operation.is_grave}


def list_url(model: type[Model]) -> str:
    """Return the path of a model's list in the admin."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def url_of(row: Model) -> str:
    """Return the path of a row's page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _give_form(request: HttpRequest) -> str:
    """Return the mark of a form that may be sent once; a page that is reloaded after it must not mint a second key."""
    once = ids.new_token()
    request.session[OPEN_FORMS] = [*request.session.get(OPEN_FORMS, []), once][-FORMS_KEPT_OPEN:]
    return once


def _take_form(request: HttpRequest) -> bool:
    kept = list(request.session.get(OPEN_FORMS, []))
    once = request.POST.get("once", "")
    if once not in kept:
        return False
    kept.remove(once)
    request.session[OPEN_FORMS] = kept
    return True
