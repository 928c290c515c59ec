"""WhatsApp's templates: how they are listed, handed in and taken back, and what is told of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from core.errors import Problem
from inboxes.channels import graph_refusals
from inboxes.channels.answers import SHOWN, within
from inboxes.channels.incoming import TemplateChanged
from inboxes.channels.outcomes import Rejected
from inboxes.channels.outgoing import Reply
from inboxes.channels.templates import ProviderTemplate, TemplateVerdict, Unanswered

FIELDS = "name,language,status,category,components,rejected_reason,id"
A_PAGE = 100
CATEGORIES = frozenset({"authentication", "utility", "marketing"})
STATUSES = {
    "APPROVED": "approved",
    "REINSTATED": "approved",
    "UNARCHIVED": "approved",
    "FLAGGED": "approved",  # people dislike it; it may still be sent
    "PENDING": "pending",
    "IN_APPEAL": "pending",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "DISABLED": "disabled",
    "ARCHIVED": "disabled",
    "DELETED": "disabled",
    "PENDING_DELETION": "disabled",
    "LIMIT_EXCEEDED": "disabled",
}
NAMED = re.compile(r"\{\{\s*[A-Za-z_]\w*\s*\}\}")
ALREADY_THERE = frozenset({2388023, 2388024})  # subcodes: the name is being deleted, or taken in this language


def list_path(account: str, after: str) -> str:
    """Return the path of one page of an account's templates."""
    query = {"fields": FIELDS, "limit": A_PAGE, **({"after": after} if after else {})}
    return f"{account}/message_templates?{urlencode(query)}"


def delete_path(account: str, template: ProviderTemplate) -> str:
    """Return the path that deletes one language of a template, or all of them where its id is not known."""
    query = {"name": template.name, **({"hsm_id": template.external_id} if template.external_id else {})}
    return f"{account}/message_templates?{urlencode(query)}"


def body(template: ProviderTemplate) -> dict[str, Any]:
    """Return the body that hands a template in."""
    said = {
        "name": template.name,
        "language": template.language,
        "category": template.category.upper(),
        "components": [_shouted(component) for component in template.components],
    }
    return {**said, "parameter_format": "NAMED"} if any(map(_is_named, template.components)) else said


def read(reply: Reply) -> tuple[list[ProviderTemplate], str]:
    """Return one page of templates and what the next begins after. Raises Unanswered."""
    document = reply.document
    told = document.get("data")
    if not 200 <= reply.status < 300 or not isinstance(told, list):
        words = graph_refusals.words_of(graph_refusals.error_of(document)) or f"HTTP {reply.status}"
        raise Unanswered(words)
    after = within(document, "paging", "cursors", "after") if within(document, "paging", "next") else ""
    return list(_each(told)), after if isinstance(after, str) else ""


def judge(reply: Reply) -> TemplateVerdict:
    """Return what became of a template that was handed in or taken back."""
    document = reply.document
    error = graph_refusals.error_of(document)
    if error or not 200 <= reply.status < 300:
        return TemplateVerdict(_problem(error, reply.status))
    return TemplateVerdict(
        external_id=str(document.get("id") or ""),
        status=STATUSES.get(str(document.get("status")), ""),
        category=_category(document),
    )


def changed(value: Mapping[str, Any]) -> Iterator[TemplateChanged]:
    """Yield what a callback says of a template's status; nothing of one that means nothing here."""
    status = STATUSES.get(str(value.get("event")))
    if status is not None:
        name, language = str(value["message_template_name"]), str(value["message_template_language"])
        yield TemplateChanged(name, language, status, "" if status == "approved" else _reason(value))


def _each(told: Sequence[Any]) -> Iterator[ProviderTemplate]:
    for each in told:
        status, category = STATUSES.get(str(within(each, "status"))), _category(each)
        if status is None or not category:
            continue
        reason = each.get("rejected_reason")
        yield ProviderTemplate(
            name=str(each.get("name")),
            language=str(each.get("language")),
            category=category,
            components=[part for part in each.get("components") or () if isinstance(part, dict)],
            status=status,
            external_id=str(each.get("id") or ""),
            reason="" if reason in {None, "NONE"} else str(reason),
        )


def _category(told: Any) -> str:
    category = str(within(told, "category")).lower()
    return category if category in CATEGORIES else ""


def _reason(value: Mapping[str, Any]) -> str:
    told = (within(value, "rejection_info", "reason"), within(value, "other_info", "description"), value.get("reason"))
    words = next((words for words in told if isinstance(words, str) and words not in {"", "NONE"}), "")
    return words[:SHOWN]


def _problem(error: Mapping[str, Any], status: int) -> Problem:
    words = graph_refusals.words_of(error) or f"HTTP {status}"
    known = graph_refusals.refusal(error)
    if error.get("error_subcode") in ALREADY_THERE:
        return Problem("name", "already_taken", words)
    if isinstance(known, Rejected) and not known.disconnects:
        return Problem("components", "refused_by_provider", words)
    code = known.code if known is not None else "provider_unavailable"
    return Problem("inbox_id", code, words)


def _shouted(component: Mapping[str, Any]) -> dict[str, Any]:
    """Return a component with its types in the capitals that Graph's console writes."""
    said = {**component, "type": str(component.get("type") or "").upper()}
    if isinstance(component.get("buttons"), list):
        said["buttons"] = [{**each, "type": str(each.get("type") or "").upper()} for each in component["buttons"]]
    return said


def _is_named(component: Mapping[str, Any]) -> bool:
    return bool(NAMED.search(str(component.get("text") or "")))
