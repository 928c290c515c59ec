"""What a request to send would do: everything found and checked, and nothing written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from accounts.models import Environment
from conversations.models import Conversation, Message
from conversations.queries import conversations_of
from core import ids
from core.errors import Invalid, Problem
from inboxes import channels
from outbound.models import Dispatch
from outbound.services import legs
from outbound.services.legs import Leg

FARTHEST = timedelta(days=30)
LATEST = timedelta(seconds=60)
SOON = timedelta(seconds=1)  # what should leave so soon leaves now
TRIGGERS = ("failed", "undelivered", "expired", "window_closed", "no_delivery", "unknown")
USUAL_TRIGGERS = TRIGGERS[:4]
SAYS = ("message_type", "text", "media", "button", "template")
NOBODY = ("recipient_id", "required")  # named where it is missing, not at every step that would go there, too
HANDED_DOWN = ("recipient_id", "email", "category", "overrides", "on_unsupported", "send_at")

Note = Callable[[Sequence[Problem]], None]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the chain: taken ``on`` one of these, or for want of a receipt ``after_seconds``."""

    leg: Leg
    on: Sequence[str]
    after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A message that may be sent, and how."""

    environment: Environment
    leg: Leg
    steps: Sequence[Step] = ()
    conversation: Conversation | None = None
    reply_to: str = ""
    send_at: datetime | None = None
    expires_at: datetime | None = None
    guarantee: str = Dispatch.Guarantee.AT_MOST_ONCE
    client_message_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def problems(environment: Environment, asked: Mapping[str, Any]) -> Sequence[Problem]:
    """Return what is wrong with the well-formed part of a request. Raises ContactGone."""
    try:
        plan(environment, asked)
    except Invalid as wrong:
        return wrong.problems
    return ()


def plan(environment: Environment, asked: Mapping[str, Any]) -> Plan:
    """
    Return how a request is to be sent. Raises Invalid, naming everything that is wrong with it, ContactGone.

    Somebody who may not be written to is a problem only where no step of the chain would reach them.
    """
    found = legs.Collector()
    talk, reply_to = _talk(environment, asked, found)
    send_at, expires_at = found.take(lambda: _times(asked)) or (asked.get("send_at"), None)
    leg = found.take(lambda: legs.build(environment, {**asked, "send_at": send_at}))
    if leg is not None:
        found.note(leg.problems)
    steps = _steps(environment, asked, leg, found)
    if leg is not None:
        found.note(_misfits(asked, leg, talk, steps))
    if found.problems or leg is None:
        raise Invalid(*found.problems)
    guarantee = asked.get("delivery_guarantee", Dispatch.Guarantee.AT_MOST_ONCE)
    said = (asked.get("client_message_id"), asked.get("metadata", {}))
    return Plan(environment, leg, steps, talk, reply_to, send_at, expires_at, guarantee, *said)


def _talk(
    environment: Environment, asked: Mapping[str, Any], found: legs.Collector
) -> tuple[Conversation | None, str]:  # fmt: skip
    """Return the conversation that is named, and the provider's id of the message that is answered."""
    talk, reply_to = None, ""
    if name := asked.get("conversation_id"):
        row = ids.decode("conv", name)
        talk = conversations_of(environment).filter(pk=row).first() if row is not None else None
        if talk is None:
            words = f"There is no conversation {name[:80]!r}."
            found.note([Problem("conversation_id", "unknown_conversation", words)])
    if name := asked.get("reply_to"):
        row = ids.decode("msg", name)
        answered = Message.of(environment).filter(pk=row).first() if row is not None else None
        if answered is None or (talk is not None and answered.conversation_id != talk.pk):
            words = f"There is no message {name[:80]!r} in this conversation."
            found.note([Problem("reply_to", "unknown_message", words)])
        else:
            talk = talk or conversations_of(environment).get(pk=answered.conversation_id)
            reply_to = answered.provider_id or ""
    return talk, reply_to


def _times(asked: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    now, send_at, expires_at = timezone.now(), asked.get("send_at"), asked.get("expires_at")
    found = []
    if send_at is not None and send_at < now - LATEST:
        found.append(Problem("send_at", "in_the_past", "send_at is past by more than 60 seconds.", 60))
    elif send_at is not None and send_at > now + FARTHEST:
        found.append(Problem("send_at", "too_far", "send_at is at most 30 days ahead.", FARTHEST.days))
    if expires_at is not None and expires_at <= max(now, send_at or now):
        found.append(Problem("expires_at", "in_the_past", "expires_at is after now, and after send_at."))
    if found:
        raise Invalid(*found)
    return send_at if send_at is not None and send_at > now + SOON else None, expires_at


def _steps(
    environment: Environment, asked: Mapping[str, Any], first: Leg | None, found: legs.Collector
) -> list[Step]:  # fmt: skip
    """Return the chain's steps that can be taken; what is wrong with the others goes among the problems."""
    steps, before = list[Step](), first
    said_above = {(each.field, each.code) for each in found.problems}
    for place, given in enumerate(asked.get("fallback") or ()):
        above = {NOBODY} if any(name in given for name in SAYS) else {NOBODY, *said_above}
        note = partial(found.note, place=f"fallback.{place}", except_for=above)
        step = _step(environment, asked, given, before, note)
        if step is not None:
            steps.append(step)
            before = step.leg
    return steps


def _step(
    environment: Environment, asked: Mapping[str, Any], given: Mapping[str, Any], before: Leg | None, note: Note
) -> Step | None:  # fmt: skip
    inherited = {name: asked[name] for name in HANDED_DOWN if name in asked}
    if not any(name in given for name in SAYS):
        inherited |= {name: asked[name] for name in SAYS if name in asked}
    is_exact = "recipient_id" in given
    whole = {**inherited, **given, "is_exact": is_exact}
    after = given.get("after_seconds")
    on = given.get("on") or [*USUAL_TRIGGERS, *(["no_delivery"] if after is not None else [])]
    if "no_delivery" in on:
        note(_wrong_with_waiting(after, before))
    try:
        leg = legs.build(environment, whole, person=before.recipient.contact if before and not is_exact else None)
    except Invalid as wrong:
        note(wrong.problems)
        return None
    note(leg.problems)
    return Step(leg, on, after)


def _wrong_with_waiting(after: int | None, before: Leg | None) -> list[Problem]:
    """Return what is wrong with waiting for a receipt of what goes before."""
    if after is None:
        return [Problem("after_seconds", "required", "no_delivery needs after_seconds: how long to wait.")]
    if before is not None and not _tells(before):
        words = f"Nobody tells whether a message on {before.recipient.inbox.channel} arrived."
        return [Problem("after_seconds", "no_receipts", words)]
    return []


def _tells(leg: Leg) -> bool:
    """Whether a channel tells that a message arrived."""
    inbox = leg.recipient.inbox
    return bool(channels.find(inbox.channel).limits(inbox.settings).receipts & {"delivered", "read"})


def _misfits(asked: Mapping[str, Any], leg: Leg, talk: Conversation | None, steps: Sequence[Step]) -> list[Problem]:
    """Return what is right by itself and does not go together."""
    found, recipient = list[Problem](), leg.recipient
    if talk is not None and (recipient.contact is None or recipient.contact.pk != talk.contact_id):
        field = "conversation_id" if "conversation_id" in asked else "reply_to"
        found.append(Problem(field, "recipient_mismatch", "That conversation is with somebody else."))
    elif talk is not None and talk.inbox_id != recipient.inbox.pk:
        field = "conversation_id" if "conversation_id" in asked else "reply_to"
        found.append(Problem(field, "inbox_mismatch", "That conversation is in another inbox."))
    if "email" in asked and not any(each.mail for each in (leg, *(step.leg for step in steps))):
        found.append(Problem("email", "unexpected_field", "No step of this message is an e-mail."))
    if leg.refusal is not None and not any(_rescues(step, leg.refusal.code) for step in steps):
        found.append(Problem("recipient_id", leg.refusal.code, leg.refusal.message))
    return found


def _rescues(step: Step, code: str) -> bool:
    """Whether a step is taken when somebody may not be written to before it, and may be written to there."""
    return step.leg.refusal is None and ("failed" in step.on or code in step.on)
