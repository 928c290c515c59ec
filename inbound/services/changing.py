"""What people do to what was said, and what providers tell of people: edits, reactions, consent, new addresses."""

from datetime import datetime

from django.db import transaction

from contacts.models import ContactSession, Suppression
from contacts.services import addresses, contacts, wishes
from contacts.services.attributes import is_e164
from conversations.models import Message
from conversations.services import amendments
from core import ids
from core.bodies import is_storable
from core.times import iso
from events.event import SYSTEM
from inbound.models import Receival
from inbound.services import receivals, targets
from inbound.services.saying import Taken, arrive
from inbound.services.words import MOST_TEXT_BYTES, cut, tidy_text
from inboxes.channels.incoming import Consent, Edited, Moved, Reacted, TemplateChanged
from inboxes.models import Inbox
from inboxes.services import templates

EARLY = "It is about a message that has not come yet."
UNREADABLE = "The id of the message it is about has a character that no id has: it cannot be read."
NOT_THEIRS = "It is about a message of somebody else."
LONGEST_EMOJI = 40


def edit(inbox: Inbox, edited: Edited) -> Taken:
    """Change a message, or take it back, as whoever wrote it did; ``wait`` where it has not come yet."""
    if not is_storable(edited.target):
        return Taken("failed", note=UNREADABLE)
    if receivals.is_known(inbox, Receival.Kind.EDIT, edited.id):
        return Taken("duplicate")
    message = targets.named(inbox, edited.target)
    if message is None:
        return Taken("wait", note=EARLY)
    if not _wrote(inbox, edited, message):
        return Taken("ignored", message.contact_id, NOT_THEIRS)
    with transaction.atomic():
        if receivals.take(inbox, Receival.Kind.EDIT, edited.id) is None:
            return Taken("duplicate", message.contact_id)
        if edited.deleted:
            amendments.take_back(message, at=edited.at)
        else:
            amendments.edit(message, text=cut(tidy_text(edited.text), MOST_TEXT_BYTES), at=edited.at)
    return Taken("done", message.contact_id)


def react(inbox: Inbox, reacted: Reacted) -> Taken:
    """Put somebody's emoji on a message, or take it off; ``wait`` where the message has not come yet."""
    if not is_storable(reacted.target):
        return Taken("failed", note=UNREADABLE)
    if receivals.is_known(inbox, Receival.Kind.REACTION, reacted.id):
        return Taken("duplicate")
    message = targets.named(inbox, reacted.target)
    if message is None:
        return Taken("wait", note=EARLY)
    session = arrive(inbox, reacted.sender)
    by = ids.encode("usr", session.contact_id)
    with transaction.atomic():
        if receivals.take(inbox, Receival.Kind.REACTION, reacted.id) is None:
            return Taken("duplicate", session.contact_id)
        amendments.react(message, by=by, emoji=tidy_text(reacted.emoji)[:LONGEST_EMOJI], at=reacted.at)
    return Taken("done", session.contact_id)


@transaction.atomic
def consent(inbox: Inbox, wish: Consent) -> Taken:
    """Keep who wants no more messages, or wants them again; told twice, it is heeded once."""
    if not _is_new(inbox, f"consent:{wish.address}:{wish.scope}:{wish.is_given}", wish.at):
        return Taken("duplicate")
    address = tidy_text(wish.address)[:255]
    if wish.is_given:
        wishes.resume(inbox, address)
    else:
        known = Suppression.Reason.values
        reason = wish.reason if wish.reason in known else Suppression.Reason.PROVIDER
        scope = wish.scope if wish.scope in Suppression.Scope.values else Suppression.Scope.ALL
        wishes.stop(inbox, address, reason=reason, scope=scope, detail="" if reason == wish.reason else wish.reason)
    return Taken("done", _person_at(inbox, address))


@transaction.atomic
def move(inbox: Inbox, moved: Moved) -> Taken:
    """
    Follow a person to a new address: what they said stays with them, and answers go where they are now.

    An address that somebody has already stays theirs.
    """
    before, after = tidy_text(moved.before)[:255], tidy_text(moved.after)[:255]
    sessions = ContactSession.of(inbox.environment).filter(inbox=inbox).select_for_update(no_key=True)
    session = sessions.filter(source_id=before).select_related(None).first()
    if session is None:
        return Taken("ignored", note="Nobody is known at the address before.")
    if sessions.filter(source_id=after).exists():
        return Taken("ignored", session.contact_id, "Somebody is known at the new address.")
    session.source_id = after
    session.save(update_fields=["source_id"])
    contact = session.contact
    contact.environment = inbox.environment
    taken = addresses.owner_of(inbox.environment, after) is not None
    if is_e164(after) and contact.phone_number == before and not taken:
        contacts.update(contact=contact, fields={"phone_number": after}, actor=SYSTEM)
    return Taken("done", contact.pk)


def note_template(inbox: Inbox, changed: TemplateChanged) -> Taken:
    """Keep what became of a template at the provider."""
    templates.note_change(inbox, name=changed.name, language=changed.language, status=changed.status,
                          reason=tidy_text(changed.reason))  # fmt: skip
    return Taken()


def _is_new(inbox: Inbox, name: str, at: datetime | None) -> bool:
    return at is None or receivals.take(inbox, Receival.Kind.RECEIPT, f"{name}:{iso(at)}") is not None


def _wrote(inbox: Inbox, edited: Edited, message: Message) -> bool:
    """Whether an edit comes from where the message did; nobody changes what others, or the business, wrote."""
    if message.direction != Message.Direction.INBOUND:
        return False
    names = {edited.sender.address, *edited.sender.aliases}
    return ContactSession.of(inbox.environment).filter(
        inbox=inbox, contact=message.contact_id, source_id__in=names
    ).exists()  # fmt: skip


def _person_at(inbox: Inbox, address: str) -> int | None:
    found: int | None = (
        ContactSession.of(inbox.environment)
        .filter(inbox=inbox, source_id=address)
        .values_list("contact_id", flat=True)
        .first()
    )
    return found
