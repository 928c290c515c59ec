"""Keeping templates in step with the providers that approve them; nobody is asked while rows are held."""

from collections.abc import Iterator

import structlog
from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import Environment
from accounts.services import audit
from core import tenancy
from core.errors import Conflict, Unavailable, invalid
from inboxes import channels
from inboxes.channels.outgoing import HttpOrder, Reply
from inboxes.channels.templates import ProviderTemplate, TemplateVerdict, Unanswered
from inboxes.models import Inbox, Template
from inboxes.services import templates
from inboxes.transport import http
from inboxes.transport.accidents import Accident

MOST_PAGES = 50
AT_ONCE = 100
MOST_NAMED = 20
LIVE = Environment.Kind.LIVE

log = structlog.get_logger(__name__)


class ProviderAway(Unavailable):
    """The provider gave no answer, or none that tells anything."""

    code = "provider_unavailable"


class TemplateRefused(Conflict):
    """The provider does not do what was asked of it."""

    code = "refused_by_provider"


def only_inbox(environment: Environment) -> Inbox:
    """Return the one open inbox whose provider has templates. Raises Invalid where there is none, or several."""
    found = list(_with_templates(Inbox.of(environment)).order_by("pk")[:MOST_NAMED])
    if not found:
        words = (
            f"No inbox is connected whose provider has templates ({', '.join(_kinds())}). Add one: POST /v1/inboxes."
        )
        raise invalid("inbox_id", words, code="channel_not_configured")
    if len(found) > 1:
        names = ", ".join(f"{each.public_id} ({each.name[:40]})" for each in found)
        raise invalid("inbox_id", f"There are several inboxes; say which: {names}.", code="ambiguous_inbox")
    found[0].environment = environment
    return found[0]


def sync(inbox: Inbox) -> dict[str, int]:
    """
    Take over the templates of an inbox's provider: ``{added, changed, removed}``. The sandbox's are all its own.

    Raises Invalid for an inbox whose provider has none, ProviderAway.
    """
    if not _has_templates(inbox):
        words = "The provider of this inbox has no templates, or its settings do not say whose (waba_id)."
        raise invalid("inbox_id", words, code="unsupported_by_channel")
    if not inbox.environment.livemode:
        return {"added": 0, "changed": 0, "removed": 0}
    return templates.keep_in_step(inbox, list(_told(inbox)))


def begin(inbox: Inbox) -> None:
    """Take over the templates of an inbox that has just been opened; where that fails, the upkeep does it later."""
    if inbox.environment.livemode and _has_templates(inbox):
        _try(inbox)


def take_back(template: Template, *, by: audit.Who) -> None:
    """Delete a template, at its provider first where that has it. Raises ProviderAway, TemplateRefused."""
    inbox, environment = template.inbox, template.environment
    if inbox is not None and inbox.deleted_at is None and environment.livemode and template.external_id:
        order = channels.find(inbox.channel).delete_template_order(inbox.settings, _as_provider_has(template))
        verdict = _judged(inbox, order) if order is not None else TemplateVerdict()
        if verdict.problem is not None:
            raise TemplateRefused(verdict.problem.message)
    name = template.public_id
    template.delete()
    audit.record(environment=environment, who=by, action="template.deleted", target=name)


def sync_due() -> int:
    """Take over the templates of every live inbox, those that waited longest first; returns how many there were."""
    with tenancy.everyone():
        seen = Template.unscoped.filter(inbox=OuterRef("pk")).order_by().values("inbox").annotate(at=Min("synced_at"))
        live = _with_templates(Inbox.unscoped.filter(environment__kind=LIVE))
        due = live.select_related("environment").order_by(Subquery(seen.values("at")).asc(nulls_first=True))[:AT_ONCE]
        for inbox in due:
            _try(inbox)
        return len(due)


def hand_in_due() -> int:
    """Hand in what was made here and its provider has not seen; returns how many there were."""
    with tenancy.everyone():
        made = Template.unscoped.filter(status=Template.Status.PENDING, external_id="", inbox__deleted_at=None)
        waiting = made.exclude(inbox=None).filter(environment__kind=LIVE)
        found = list(waiting.select_related("inbox__environment").order_by("updated_at")[:AT_ONCE])
        for template in found:
            _hand_in(template)
        return len(found)


def _hand_in(template: Template) -> None:
    inbox = template.inbox
    assert inbox is not None
    order = channels.find(inbox.channel).create_template_order(inbox.settings, _as_provider_has(template))
    template.updated_at = timezone.now()  # whatever comes of it, others have their turn
    try:
        verdict = _judged(inbox, order) if order is not None else None
    except ProviderAway as reason:
        log.info("template_not_handed_in", template_id=template.public_id, reason=str(reason))
        template.save(update_fields=["updated_at"])
        return
    if verdict is None or verdict.problem is not None:
        template.status = Template.Status.REJECTED
        words = (
            verdict.problem.message if verdict and verdict.problem else "The inbox's settings do not say whose it is."
        )
        template.reason = words[:500]
    else:
        template.external_id = verdict.external_id
        template.status = verdict.status or template.status
        template.category = verdict.category or template.category
    template.save(update_fields=["status", "reason", "external_id", "category", "updated_at"])


def _kinds() -> list[str]:
    return [kind for kind, channel in channels.REGISTRY.items() if channel.capabilities.templates == "provider"]


def _with_templates(inboxes: QuerySet[Inbox]) -> QuerySet[Inbox]:
    return inboxes.filter(channel__in=_kinds(), deleted_at=None)


def _has_templates(inbox: Inbox) -> bool:
    channel = channels.find(inbox.channel)
    return (
        channel.limits(inbox.settings).templates == "provider" and channel.templates_order(inbox.settings) is not None
    )


def _told(inbox: Inbox) -> Iterator[ProviderTemplate]:
    """Yield all that the provider has, page by page. Raises ProviderAway."""
    channel, after = channels.find(inbox.channel), ""
    for _ in range(MOST_PAGES):
        order = channel.templates_order(inbox.settings, after)
        assert order is not None
        try:
            found, after = channel.read_templates(_answer(inbox, order))
        except Unanswered as words:
            raise ProviderAway(f"The provider does not tell its templates: {words}", retry_after=60) from None
        yield from found
        if not after:
            return
    raise ProviderAway("The provider has more templates than can be kept here.", retry_after=3600)


def _judged(inbox: Inbox, order: HttpOrder) -> TemplateVerdict:
    return channels.find(inbox.channel).judge_template(_answer(inbox, order))


def _answer(inbox: Inbox, order: HttpOrder) -> Reply:
    answer = http.ask(order, livemode=inbox.environment.livemode)
    if isinstance(answer, Accident):
        raise ProviderAway(f"The provider did not answer: {answer.detail}", retry_after=60)
    return answer


def _as_provider_has(template: Template) -> ProviderTemplate:
    return ProviderTemplate(
        name=template.name, language=template.language, category=template.category, components=template.components,
        status=template.status, external_id=template.external_id, reason=template.reason,
    )  # fmt: skip


def _try(inbox: Inbox) -> None:
    try:
        sync(inbox)
    except (ProviderAway, Unanswered) as reason:
        log.info("templates_not_synced", inbox_id=inbox.public_id, reason=str(reason))
