"""One way a message may take: an inbox, a recipient, and what is said there, all of it checked."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from accounts.models import Environment
from contacts.models import Contact, ContactSession
from contacts.services import consent
from contacts.services.consent import Refusal
from conversations.errors import LONGEST_TEXT
from conversations.services import outreach
from core.errors import Invalid, Problem
from inboxes import channels
from inboxes.channels import adapting, limits, payloads, rendering
from inboxes.channels.base import Channel
from inboxes.channels.capabilities import MEDIA_KINDS, Buttons, Capabilities, MediaLimit
from inboxes.channels.outcomes import FAILURES
from inboxes.channels.outgoing import Mail, Outgoing, Template
from inboxes.models import Inbox
from inboxes.services import templates
from outbound.services import choosing, contents, magic, recipients
from outbound.services.contents import Content
from outbound.services.recipients import Recipient

TRANSACTIONAL = "transactional"
NO_SUBJECT = ("email.subject", "required")
WIDEST = Capabilities(  # what some channel takes; more is too much on any
    longest_caption=LONGEST_TEXT,
    media=dict.fromkeys(MEDIA_KINDS, MediaLimit()),
    buttons=Buttons(100, 100, True, 200, 1000, LONGEST_TEXT, 255, 255),
)
Found = TypeVar("Found")
IN_THE_SANDBOX = "With this recipient of the sandbox it is always so; write to any other."
SANDBOX_WINDOW = {
    "code": "window_closed",
    "message": "In live this would be refused: they have not written within 24 hours, so free text is not taken.",
}


@dataclass(frozen=True, slots=True)
class Leg:
    """
    A way that a message can take.

    ``form`` is what the channel is asked to say; ``adapted`` is the same as JSON where it is not what ``content`` says.
    With a ``refusal`` it cannot be taken now, with ``problems`` never as it is.
    """

    recipient: Recipient
    content: Content
    form: Outgoing
    category: str
    adapted: Mapping[str, Any] | None = None
    adaptations: Sequence[Mapping[str, str]] = ()
    mail: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None
    warnings: Sequence[Mapping[str, str]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


class Collector:
    """Collects what is wrong with a request, so that one answer names all of it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def take(
        self, find: Callable[[], Found], *, place: str = "", except_for: Collection[tuple[str, str]] = ()
    ) -> Found | None:
        """Return what ``find`` returns; None for what is invalid, which is noted."""
        try:
            return find()
        except Invalid as wrong:
            self.note(wrong.problems, place=place, except_for=except_for)
            return None

    def note(
        self, problems: Sequence[Problem], *, place: str = "", except_for: Collection[tuple[str, str]] = ()
    ) -> None:
        """
        Note problems, their fields named below ``place``, each once.

        ``except_for`` are fields with codes that were named already, where they were said.
        """
        known = {(each.field, each.code) for each in self.problems}
        news = choosing.under(place, [each for each in problems if (each.field, each.code) not in except_for])
        self.problems += [each for each in news if (each.field, each.code) not in known]


def build(environment: Environment, asked: Mapping[str, Any], *, person: Contact | None = None) -> Leg:
    """
    Return the leg that a request, or a step of its fallback, asks for; ``person`` is who the message is for, if that
    is known already. What is wrong with it is among its ``problems``.

    Raises Invalid, naming all that is wrong with it, where there is nobody to send it to; ContactGone.
    """
    found = Collector()
    content, wrong = contents.read(environment, asked)
    found.note(wrong)
    inbox = found.take(lambda: _inbox(environment, asked))
    recipient = found.take(lambda: _recipient(inbox, asked, person)) if inbox is not None else None
    if recipient is None:
        found.note(_problems_on(asked, inbox, content))
        raise Invalid(*(found.problems or [_unsaid(asked)]))
    leg = _leg(environment, asked, content, recipient)
    found.note(leg.problems)
    return replace(leg, problems=found.problems)


def _inbox(environment: Environment, asked: Mapping[str, Any]) -> Inbox | None:
    return choosing.inbox_for(environment, asked["channel"], asked.get("inbox_id")) if "channel" in asked else None


def _recipient(inbox: Inbox, asked: Mapping[str, Any], person: Contact | None) -> Recipient | None:
    if "recipient_id" not in asked:
        return None
    if person is not None and not asked.get("is_exact"):
        return recipients.same_person(inbox, person, asked["recipient_id"])
    return recipients.find(inbox, asked["recipient_id"])


def _unsaid(asked: Mapping[str, Any]) -> Problem:
    return Problem("recipient_id" if "channel" in asked else "channel", "required", "This is required.")


def _problems_on(asked: Mapping[str, Any], inbox: Inbox | None, content: Content) -> list[Problem]:
    """Return what is wrong with what is said, whoever it is for and wherever it would go."""
    said = payloads.read(content.kind, content.text, content.payload or {}, content.media)
    if said.template is not None:
        return []
    channel = channels.REGISTRY.get(asked.get("channel", ""))
    if channel is None:
        return limits.problems(said, WIDEST)
    mail = asked.get("email") or {} if "email" in channel.capabilities.recipients else {}
    said = replace(said, mail=Mail(**mail), overrides=(asked.get("overrides") or {}).get(channel.kind, {}))
    wrong = _formed(asked, channel, said, {} if inbox is None else inbox.settings)[2]
    return [each for each in wrong if (each.field, each.code) != NO_SUBJECT]  # a conversation may go on that has one


def _formed(
    asked: Mapping[str, Any], channel: Channel, said: Outgoing, settings: Mapping[str, Any]
) -> tuple[Outgoing, Sequence[adapting.Adaptation], list[Problem]]:
    """Return how a channel is asked to say a message, what was changed for that, and what is wrong all the same."""
    form, adaptations = said, list[adapting.Adaptation]()
    if asked.get("on_unsupported") == "adapt":
        form, adaptations = adapting.adapted(channel, said, settings)
    return form, adaptations, limits.problems_of(channel, form, settings)


def _leg(environment: Environment, asked: Mapping[str, Any], content: Content, recipient: Recipient) -> Leg:
    inbox, found = recipient.inbox, Collector()
    channel, mail = channels.find(inbox.channel), _mail(asked, recipient)
    said = payloads.read(content.kind, content.text, content.payload or {}, content.media)
    filled = found.take(lambda: _templated(environment, asked, said, content, recipient))
    said, content, category, notes = filled or (said, content, asked.get("category") or TRANSACTIONAL, [])
    said = replace(
        said, address=recipient.address, category=category, mail=Mail(**mail),
        overrides=(asked.get("overrides") or {}).get(inbox.channel, {}),
    )  # fmt: skip
    form, adaptations, wrong = _formed(asked, channel, said, inbox.settings)
    found.note(_of_template(wrong, is_known=filled is not None) if content.kind == "template" else wrong)
    if adaptations and not channel.is_carried:  # clients show the message itself, so it is what has to be plainer
        content = contents.said(form)
    is_own = form.type in {"text", "button"} and (bool(adaptations) or content.kind == "template")
    refusal, doubts = _consent(form, recipient, asked)
    is_known = filled is not None and content.kind == asked.get("message_type", content.kind)
    if refusal is not None and refusal.code == "window_closed" and not is_known:
        refusal = None  # a template that is missing, or not known, may need no window
    return Leg(
        recipient, content, form, category, payloads.write(form) if is_own else None, adaptations, mail,
        form.overrides, refusal, [*recipients.warnings(recipient), *notes, *doubts], channel.facts_of(form),
        found.problems,
    )  # fmt: skip


def _mail(asked: Mapping[str, Any], recipient: Recipient) -> dict[str, Any]:
    """Return what only e-mail has; a conversation that goes on keeps its subject."""
    inbox = recipient.inbox
    if "email" not in channels.find(inbox.channel).limits(inbox.settings).recipients:
        return {}
    mail = dict(asked.get("email") or {})
    if not mail.get("subject") and recipient.contact is not None:
        talk = outreach.latest(inbox=inbox, contact=recipient.contact)
        if talk is not None and talk.subject:
            mail["subject"] = talk.subject
    return mail


def _templated(
    environment: Environment, asked: Mapping[str, Any], said: Outgoing, content: Content, recipient: Recipient
) -> tuple[Outgoing, Content, str, list[Mapping[str, str]]]:
    """Return a message with its template filled in, what is kept of it, its category, and what is doubtful."""
    category = asked.get("category")
    if said.template is None:
        return said, content, category or TRANSACTIONAL, []
    inbox, given = recipient.inbox, content.payload or {}
    variables = templates.variables_of(given.get("variables") or {})
    is_providers = channels.find(inbox.channel).limits(inbox.settings).templates == "provider"
    if is_providers and environment.livemode and not templates.is_in_step(inbox):
        template = replace(said.template, variables=variables)
        doubt = {"code": "template_not_checked", "message": "The provider's templates are not known here yet."}
        kept = replace(content, payload={**given, "variables": variables})
        return replace(said, template=template), kept, category or "utility", [doubt]
    row = templates.find(environment, inbox, said.template.name, said.template.language)
    payload = {**given, "language": row.language, "variables": variables}
    if not is_providers and (wrong := templates.variable_problems(row, variables)):
        raise Invalid(*wrong)
    rendered = rendering.render(row.components, variables)
    kept = replace(content, text=rendered.text, payload=payload)
    if not is_providers:
        return rendered, kept, category or row.category, []
    template = Template(row.name, row.language, row.category, variables, row.components)
    return replace(said, template=template), kept, category or row.category, []


def _of_template(problems: Sequence[Problem], *, is_known: bool) -> list[Problem]:
    """Name problems of what a template makes after the template: its caller never wrote a ``button``."""
    beside = [each for each in problems if each.field.startswith(("email", "overrides"))]
    if not is_known:
        return beside
    return [
        each if each in beside or each.field.startswith("template") else replace(each, field="template.name")
        for each in problems
    ]


def _consent(
    form: Outgoing, recipient: Recipient, asked: Mapping[str, Any]
) -> tuple[Refusal | None, list[Mapping[str, str]]]:
    """Return why a recipient may not be written to now, and what may forbid it later."""
    inbox = recipient.inbox
    environment, is_template = inbox.environment, form.type == "template"
    capabilities = channels.find(inbox.channel).limits(inbox.settings)
    session = recipient.session or ContactSession(
        environment=environment, inbox=inbox, contact=recipient.contact or Contact(environment=environment)
    )
    forced = magic.outcome_of(recipient.address, livemode=environment.livemode)
    if forced == "opted_out" or (forced == "window_closed" and not is_template):
        return Refusal(forced, f"{FAILURES[forced]} {IN_THE_SANDBOX}"), []
    refusal = consent.refusal(
        session, address=recipient.address, capabilities=capabilities, category=form.category, is_template=is_template
    )
    if refusal is not None and refusal.code == "window_closed":
        owner = inbox if capabilities.templates == "provider" else None
        instead = f"Send a template (approved: {templates.named(environment, owner)})" if owner else "Wait for them"
        refusal = replace(refusal, message=f"{refusal.message} {instead}, or add a fallback on another channel.")
        if asked.get("send_at"):  # it may be open by then; it is asked again
            return None, [{"code": refusal.code, "message": refusal.message}]
    is_open = consent.is_said_in_window(session, capabilities, is_template=is_template)
    return refusal, [] if environment.livemode or is_open else [SANDBOX_WINDOW]
