"""What a claimed message says, and whether it may still be said: read for many at a time, right before they leave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from contacts.services.consent import WINDOW
from conversations.models import Attachment, Message
from conversations.queries import complete_messages
from conversations.serializers import attachment_url, attachments_of
from core.logs import loggable_error
from core.rows import Shape
from inboxes.channels import payloads, rendering
from inboxes.channels.outcomes import Rejected
from inboxes.channels.outgoing import Mail, Media, Order, Outgoing
from inboxes.models import Template
from outbound import policy
from outbound.models import Dispatch
from outbound.policy import Terms, Verdict
from outbound.services import correspondence, magic
from outbound.services.claims import Claimed
from outbound.services.inboxes import Inboxes, Known

KINDS = {Attachment.Type.IMAGE: "image", Attachment.Type.VIDEO: "video", Attachment.Type.AUDIO: "audio"}
FOLDED = timedelta(hours=23)  # a day, say providers that fold two with one key; ours is not to the minute
MAIL = ("subject", "html", "cc", "bcc", "reply_to", "references", "unsubscribe_url")

DISPATCH = Shape(Dispatch, "dispatch")
STANDING = f"""
SELECT {DISPATCH.columns},
    EXISTS (SELECT FROM contacts_suppression AS suppression
            WHERE suppression.environment_id = dispatch.environment_id AND suppression.channel = inbox.channel
              AND suppression.address = dispatch.address
              AND (suppression.scope = 'all' OR dispatch.category = 'marketing')),
    (SELECT max(session.last_inbound_at) FROM contacts_contactsession AS session
     WHERE session.environment_id = dispatch.environment_id AND session.contact_id = message.contact_id
       AND session.inbox_id = dispatch.inbox_id),
    dispatch.tries > 1 AND EXISTS (SELECT FROM outbound_attempt AS attempt
                                   WHERE attempt.dispatch_id = dispatch.id AND attempt.state = 'uncertain')
FROM outbound_dispatch AS dispatch JOIN inboxes_inbox AS inbox ON inbox.id = dispatch.inbox_id
JOIN conversations_message AS message ON message.id = dispatch.message_id
WHERE dispatch.id = ANY(%s)
"""  # noqa: S608  the columns come from the model

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to leave; with a ``refusal``, one that is not to leave, and why."""

    claimed: Claimed
    known: Known
    terms: Terms
    message: Outgoing | None = None
    order: Order | None = None
    refusal: Verdict | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """What else is true of a dispatch at this moment."""

    is_suppressed: bool
    last_inbound_at: datetime | None
    doubted: bool


def compose(claimed: Sequence[Claimed], inboxes: Inboxes) -> list[Composed]:
    """
    Return the messages of claimed dispatches, ready to leave. Raises django.db.Error.

    What was erased meanwhile is missing: nothing is left of it.
    """
    dispatches = _dispatches([each.id for each in claimed])
    messages = complete_messages({each.message_id for each in claimed})
    templates = _templates(messages.values())
    threads = correspondence.threads_of(
        each.message_id for each in claimed if inboxes.get(each.inbox_id).channel.is_threaded
    )
    made = []
    for each in claimed:
        message = messages.get(each.message_id)
        if each.id in dispatches and message is not None:
            (dispatch, standing), known = dispatches[each.id], inboxes.get(each.inbox_id)
            terms = terms_of(dispatch, known, doubted=standing.doubted)
            said = outgoing(message, dispatch, known, templates)
            said = correspondence.threaded(said, message, dispatch, known, threads)
            made.append(_composed(Composed(each, known, terms, said), message, dispatch, standing))
    return made


def terms_of(dispatch: Dispatch, known: Known, *, doubted: bool) -> Terms:
    """Return what a dispatch goes by."""
    began_at = max(dispatch.created_at, dispatch.send_at or dispatch.created_at)
    return Terms(
        attempts=dispatch.attempts,
        livemode=dispatch.livemode,
        at_least_once=dispatch.guarantee == Dispatch.Guarantee.AT_LEAST_ONCE,
        is_idempotent=known.limits.is_idempotent and timezone.now() - began_at < FOLDED,
        can_look_up=known.limits.can_look_up,
        schedule=settings.OUTBOUND_SCHEDULE,
        doubted=doubted,
        tries=dispatch.tries,
        has_other_way=bool(dispatch.fallback),
    )


def outgoing(message: Message, dispatch: Dispatch, known: Known, templates: Mapping[Any, Template]) -> Outgoing:
    """Return a message as its channel is asked to say it; templates of ours are filled in."""
    if dispatch.adapted is not None:  # in words alone: what is not, is sent as it was said
        read = payloads.read(dispatch.adapted["type"], dispatch.adapted["text"], dispatch.adapted["payload"])
    else:
        read = payloads.read(message.type, message.text, message.payload, _media(message))
    asked = read.template
    if asked is not None:
        name = (message.environment_id, asked.name, asked.language)
        found = templates.get((known.inbox.pk, *name)) or templates.get((None, *name))
        if found is not None and found.inbox_id is None and known.limits.templates != "provider":
            read = rendering.render(found.components, asked.variables)
        elif found is not None:
            read = replace(read, template=replace(asked, category=found.category, components=found.components))
    return replace(
        read,
        id=message.public_id,
        retry_key=dispatch.retry_key,
        address=dispatch.address,
        mail=Mail(**{name: dispatch.mail[name] for name in MAIL if dispatch.mail.get(name)}),
        category=dispatch.category,
        reply_to=dispatch.reply_to,
        overrides=dispatch.overrides,
        callback_url=known.inbox.callback_url,
    )


def _composed(made: Composed, message: Message, dispatch: Dispatch, standing: _Standing) -> Composed:
    assert made.message is not None
    if message.status not in policy.NOT_YET_SENT:  # a receipt came, though the answer had not
        return replace(made, refusal=policy.settled_as(message.status))
    code = _refused(message, dispatch, made, standing)
    if code:
        return replace(made, refusal=policy.failed(code, doubted=standing.doubted))
    try:
        return replace(made, order=made.known.channel.order(made.message, made.known.settings))
    except Exception as error:  # noqa: BLE001  whatever is in it, it must not hold up the others
        log.error("message_not_composed", message_id=message.public_id, error=loggable_error(error))  # noqa: TRY400
        rejected = Rejected("invalid_for_provider", "It cannot be said on this channel as it is.")
        return replace(made, refusal=policy.verdict_of(rejected, made.terms))


def _refused(message: Message, dispatch: Dispatch, made: Composed, standing: _Standing) -> str:
    """Return of what a message has failed before it leaves; empty when it may go."""
    now, limits = timezone.now(), made.known.limits
    forced = magic.outcome_of(dispatch.address, livemode=dispatch.livemode)
    is_approved = message.type == Message.Type.TEMPLATE and limits.templates == "provider"
    is_window_open = standing.last_inbound_at is not None and now < standing.last_inbound_at + WINDOW
    reasons = (
        ("expired", dispatch.expires_at is not None and dispatch.expires_at <= now),
        ("inbox_closed", made.known.inbox.deleted_at is not None),
        ("blocked", message.contact.blocked),
        ("recipient_not_reachable", message.contact.is_gone),
        ("opted_out", standing.is_suppressed or forced == "opted_out"),
        ("window_closed", limits.has_window and not is_approved and not is_window_open and dispatch.livemode),
        ("window_closed", forced == "window_closed" and message.type != Message.Type.TEMPLATE),
    )
    return next((code for code, holds in reasons if holds), "")


def _dispatches(ids: Sequence[int]) -> dict[int, tuple[Dispatch, _Standing]]:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [list(ids)])
        rows = cursor.fetchall()
    found = [(DISPATCH.build(row[: DISPATCH.width]), _Standing(*row[DISPATCH.width :])) for row in rows]
    return {dispatch.pk: (dispatch, standing) for dispatch, standing in found}


def _media(message: Message) -> list[Media]:
    return [
        Media(
            kind=KINDS.get(Attachment.Type(file.type), "document"),
            url=attachment_url(file),
            filename=file.filename,
            content_type=file.content_type,
            size=file.size,
            path=file.file.name or "" if file.file else "",
        )
        for file in attachments_of(message)
        if file.type not in {Attachment.Type.LOCATION, Attachment.Type.CONTACT}
    ]


def _templates(messages: Iterable[Message]) -> dict[Any, Template]:
    """Return the templates that messages name, by inbox (none: ours), name and language."""
    named = [message for message in messages if message.type == Message.Type.TEMPLATE]
    if not named:
        return {}
    names = {message.payload.get("name") for message in named}
    environments = {message.environment_id for message in named}
    found = Template.unscoped.filter(environment_id__in=environments, name__in=names)
    return {(each.inbox_id, each.environment_id, each.name, each.language): each for each in found}
