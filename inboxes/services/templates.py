"""Templates: ours, rendered here, and those a provider approves, kept in step with it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Environment
from accounts.services import audit
from core.errors import Conflict, Invalid, Problem, invalid
from inboxes import channels
from inboxes.channels import rendering
from inboxes.channels.templates import ProviderTemplate
from inboxes.models import Inbox, Template

COMPONENTS = ("header", "body", "footer", "buttons")
LONGEST_TEXT = 10_000
MOST_NAMED = 10


class TemplateExists(Conflict):
    """There is a template of this name in this language."""

    code = "already_taken"

    def __init__(self, name: str, language: str) -> None:
        super().__init__(f"There is a template {name!r} in {language!r} already.", param="name")


@transaction.atomic
def create(*, environment: Environment, inbox: Inbox | None, fields: Mapping[str, Any], by: audit.Who) -> Template:
    """
    Make a template: ours, or with an ``inbox`` one that its provider has to approve; it is handed in afterwards.

    In the sandbox, which asks nobody, it is approved at once. ``fields`` are ``name``, ``language``, ``category``,
    ``components``. Raises Invalid, TemplateExists.
    """
    if found := problems(inbox, fields["components"]):
        raise Invalid(*found)
    waits = inbox is not None and environment.livemode
    try:
        with transaction.atomic():
            template: Template = Template.unscoped.create(
                environment=environment, inbox=inbox,
                status=Template.Status.PENDING if waits else Template.Status.APPROVED, **fields,
            )  # fmt: skip
    except IntegrityError:
        raise TemplateExists(fields["name"], fields["language"]) from None
    audit.record(environment=environment, who=by, action="template.created", target=template.public_id)
    return template


def problems(inbox: Inbox | None, components: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return what is wrong with a template's components; what only its provider knows, it says later."""
    found = []
    if inbox is not None and channels.find(inbox.channel).limits(inbox.settings).templates != "provider":
        words = f"The {inbox.channel} channel has no templates of its own; leave inbox_id out to make one of ours."
        found.append(Problem("inbox_id", "unsupported_by_channel", words))
    kinds = [str(each.get("type") or "").lower() for each in components]
    for place, (kind, each) in enumerate(zip(kinds, components, strict=True)):
        if kind not in COMPONENTS:
            words = f"A component's type is one of: {', '.join(COMPONENTS)}."
            found.append(Problem(f"components.{place}.type", "unknown_value", words))
        elif kinds.count(kind) > 1:
            found.append(Problem(f"components.{place}.type", "duplicate", f"There is one {kind} at most."))
        elif inbox is None:
            found += _problems_of_ours(place, kind, each)
    if "body" not in kinds and inbox is None:
        found.append(Problem("components", "required", "A template has a body."))
    return found


def find(environment: Environment, inbox: Inbox, name: str, language: str) -> Template:
    """
    Return the template that a message in an inbox names; without a language the only one of that name.

    Raises Invalid, naming those there are: for one that is unknown or may not be sent now.
    """
    owner = inbox if channels.find(inbox.channel).limits(inbox.settings).templates == "provider" else None
    known = Template.of(environment).filter(inbox=owner, name=name)
    found = list(known.filter(language=language) if language else known.order_by("language")[:2])
    if len(found) > 1:
        languages = ", ".join(known.order_by("language").values_list("language", flat=True))
        raise invalid("template.language", f"{name} is there in: {languages}. Say which.", code="required")
    if not found:
        called = f"{name[:80]!r} in {language[:20]!r}" if language else repr(name[:80])
        words = f"There is no template {called} for this inbox; approved: {named(environment, owner)}."
        raise invalid("template.name", words, code="template_not_found")
    if found[0].status != Template.Status.APPROVED:
        words = f"The template {name} is {found[0].status}. {found[0].reason}".strip()
        raise invalid("template.name", words, code="template_unavailable")
    return found[0]


def is_in_step(inbox: Inbox) -> bool:
    """Whether the templates of an inbox's provider have ever been seen here."""
    return Template.of(inbox.environment).filter(inbox=inbox).exclude(external_id="").exists()


def named(environment: Environment, inbox: Inbox | None) -> str:
    """Return the names of approved templates, to be shown to somebody who needs one."""
    approved = (
        Template.of(environment).filter(inbox=inbox, status=Template.Status.APPROVED).order_by("name", "language")
    )
    shown = [f"{each.name} ({each.language})" for each in approved[: MOST_NAMED + 1]]
    return ", ".join(shown[:MOST_NAMED]) + (" and others" if len(shown) > MOST_NAMED else "") or "none"


def variables_of(given: Any) -> dict[str, Any]:
    """Return a template's variables by name; a list is for {{1}}, {{2}} and so on."""
    return {str(place): value for place, value in enumerate(given, start=1)} if isinstance(given, list) else dict(given)


def variable_problems(template: Template, variables: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the values for a template of ours: missing, unknown, or no text."""
    code = "template_parameters_mismatch"
    found = [
        Problem(f"template.variables.{name}", code, f"{template.name} needs a value for {{{{{name}}}}}.")
        for name in rendering.missing(template.components, variables)
    ]
    found += [
        Problem(f"template.variables.{name[:100]}", code, f"{template.name} has no variable {{{{{name[:100]}}}}}.")
        for name in rendering.unknown(template.components, variables)
    ]
    return found


@transaction.atomic
def keep_in_step(inbox: Inbox, told: Iterable[ProviderTemplate]) -> dict[str, int]:
    """Take over what an inbox's provider has: ``{added, changed, removed}``; what waits to be handed in stays."""
    now, counts = timezone.now(), {"added": 0, "changed": 0, "removed": 0}
    known = {
        (each.name, each.language): each
        for each in Template.of(inbox.environment).select_for_update(no_key=True).filter(inbox=inbox)
    }
    for each in told:
        template = known.pop((each.name, each.language), None)
        values = {"category": each.category, "status": each.status, "reason": each.reason[:500],
                  "components": [dict(part) for part in each.components], "external_id": each.external_id}  # fmt: skip
        if template is None:
            Template.unscoped.create(environment=inbox.environment, inbox=inbox, name=each.name,
                                     language=each.language, synced_at=now, **values)  # fmt: skip
            counts["added"] += 1
            continue
        changed = [name for name, value in values.items() if getattr(template, name) != value]
        for name, value in {**values, "synced_at": now}.items():
            setattr(template, name, value)
        template.updated_at = now if changed else template.updated_at
        template.save()
        counts["changed"] += bool(changed)
    gone = [each.pk for each in known.values() if each.external_id]
    counts["removed"] = Template.unscoped.filter(pk__in=gone).delete()[0]
    return counts


def note_change(inbox: Inbox, *, name: str, language: str, status: str, reason: str = "") -> None:
    """Note what an inbox's provider told of one template."""
    changed = {"status": status, "reason": reason[:500], "updated_at": timezone.now()}
    Template.of(inbox.environment).filter(inbox=inbox, name=name, language=language).update(**changed)


def _problems_of_ours(place: int, kind: str, given: Mapping[str, Any]) -> list[Problem]:
    field = f"components.{place}"
    if kind == "buttons":
        buttons = given.get("buttons")
        if not isinstance(buttons, list) or not buttons or not all(isinstance(each, dict) for each in buttons):
            return [Problem(f"{field}.buttons", "required", "buttons is a list of {text, url} or {text, id}.")]
        return [
            Problem(f"{field}.buttons.{number}.text", "required", "A button has a text.")
            for number, each in enumerate(buttons)
            if not isinstance(each.get("text"), str) or not each["text"]
        ]
    text = given.get("text")
    if not isinstance(text, str) or not text:
        return [Problem(f"{field}.text", "required", f"The {kind} has a text.")]
    if len(text) > LONGEST_TEXT:
        words = f"At most {LONGEST_TEXT:,} characters."
        return [Problem(f"{field}.text", "too_long", words, LONGEST_TEXT, len(text))]
    return []
