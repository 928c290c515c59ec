"""People: found, made, changed. Every change others care about is published here."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Environment
from contacts import events, queries
from contacts.errors import AlreadyTaken, ContactGone
from contacts.models import Contact
from contacts.services import attributes
from core.errors import Invalid, Problem, invalid
from events.event import SYSTEM, Actor
from events.log import publish

IDENTITIES = attributes.IDENTITIES
CHANGEABLE = frozenset(
    {"external_id", "name", "first_name", "last_name", "email", "phone_number", "avatar_url", "user_type",
     "language", "country", "city", "custom_attributes", "tags", "blocked", "verified"}
)  # fmt: skip
MOST_TAGS = 100
ADJECTIVES = (
    "autumn",
    "bright",
    "calm",
    "dawn",
    "gentle",
    "misty",
    "quiet",
    "silver",
    "sunny",
    "winter",
)
NOUNS = ("brook", "cloud", "field", "forest", "lake", "meadow", "moon", "river", "shore", "wind")


def find_by_identity(environment: Environment, fields: Mapping[str, Any]) -> Contact | None:
    """Return the person with this external id, else this e-mail address, else this phone number."""
    values = attributes.tidied({name: fields[name] for name in IDENTITIES if fields.get(name)})
    for name, value in values.items():
        if value and (contact := queries.people(environment, **{name: value}).first()):
            return contact
    return None


@transaction.atomic
def create(*, environment: Environment, fields: Mapping[str, Any], actor: Actor = SYSTEM) -> Contact:
    """
    Make a person; without a name they get a random one, for agents to call them by.

    Raises Invalid, naming every wrong field; AlreadyTaken when somebody has the identity already.
    """
    values = _checked(fields)
    values.setdefault("name", _full_name(values) or _random_name())
    contact = Contact(environment=environment, **values)
    _save(contact)
    publish(events.about(contact, events.UserCreated, livemode=environment.livemode, actor=actor))
    return contact


@transaction.atomic
def update(
    *,
    contact: Contact,
    fields: Mapping[str, Any],
    actor: Actor = SYSTEM,
    reason: Mapping[str, Any] | None = None,
) -> Contact:
    """
    Change a person; ``custom_attributes`` are merged, ``tags`` replaced. Publishes once, and only if something changed.

    Raises Invalid, AlreadyTaken, ContactGone.
    """
    contact = lock(contact)
    values = _checked(fields)
    if "custom_attributes" in values:
        values["custom_attributes"] = attributes.merged(contact.custom_attributes, values["custom_attributes"])
        if problems := attributes.attribute_problems(values["custom_attributes"]):
            raise Invalid(*problems)
    if {"first_name", "last_name"} & values.keys() and "name" not in values:
        names = {"first_name": contact.first_name, "last_name": contact.last_name, **values}
        values["name"] = _full_name(names) or contact.name
    changes = {
        name: {"from": getattr(contact, name), "to": value}
        for name, value in values.items()
        if getattr(contact, name) != value
    }
    if not changes:
        return contact
    for name in changes:
        setattr(contact, name, values[name])
    contact.updated_at = timezone.now()
    _save(contact, update_fields=[*changes, "updated_at"])
    publish(_updated(contact, changes, actor, reason))
    return contact


@transaction.atomic
def change_tags(
    *, contact: Contact, add: Iterable[str] = (), remove: Iterable[str] = (), actor: Actor = SYSTEM
) -> Contact:
    """Put tags on a person and take tags off, as one change."""
    contact = lock(contact)
    gone = set(remove)
    tags = [tag for tag in contact.tags if tag not in gone]
    tags += [tag for tag in dict.fromkeys(add) if tag not in tags]
    return update(contact=contact, fields={"tags": tags}, actor=actor)


@transaction.atomic
def upsert(
    *, environment: Environment, external_id: str, fields: Mapping[str, Any], actor: Actor = SYSTEM
) -> tuple[Contact, bool]:
    """Make or change the person a customer calls ``external_id``; the second value says whether they are new."""
    rows = Contact.of(environment)
    known = rows.filter(external_id=external_id).first() or rows.filter(former_external_id=external_id).first()
    if known is not None:
        return update(contact=known, fields=fields, actor=actor), False
    try:
        with transaction.atomic():
            made = create(environment=environment, fields={**fields, "external_id": external_id}, actor=actor)
    except AlreadyTaken as taken:
        if taken.field != "external_id":
            raise
        # Somebody else made the same person a moment ago: then this is the change.
        known = Contact.of(environment).get(external_id=external_id)
        return update(contact=known, fields=fields, actor=actor), False
    return made, True


def is_made_up(name: str) -> bool:
    """Whether a name is one that ``create`` gave to somebody who had none."""
    adjective, _, rest = name.partition("-")
    noun, _, number = rest.partition("-")
    return adjective in ADJECTIVES and noun in NOUNS and number.isdecimal()


def lock(contact: Contact) -> Contact:
    """Return the person's row locked for this transaction. Raises ContactGone for a tombstone."""
    # No key: who only points at this row (every foreign key does, as it commits) need not wait, nor deadlock.
    rows = Contact.unscoped.select_for_update(no_key=True)
    locked: Contact = rows.get(pk=contact.pk, environment_id=contact.environment_id)
    locked.environment = contact.environment
    if locked.is_gone:
        raise ContactGone(locked.merged_into_id)
    return locked


def _updated(
    contact: Contact, changes: dict[str, Any], actor: Actor, reason: Mapping[str, Any] | None
) -> events.UserEvent:
    tags = changes.get("tags", {"from": [], "to": []})
    return events.about(
        contact,
        events.UserUpdated,
        livemode=contact.environment.livemode,
        actor=actor,
        changes=changes,
        tags_added=[tag for tag in tags["to"] if tag not in tags["from"]],
        tags_removed=[tag for tag in tags["from"] if tag not in tags["to"]],
        reason=reason,
    )


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields tidied. Raises Invalid."""
    if unknown := sorted(set(fields) - CHANGEABLE):
        raise invalid(unknown[0], f"{unknown[0]} cannot be set.", code="unknown_field")
    values = attributes.tidied(fields)
    problems = attributes.problems(values)
    if "tags" in values:
        values["tags"] = list(dict.fromkeys(tag.strip() for tag in values["tags"] if tag.strip()))
        problems += _tag_problems(values["tags"])
    if problems:
        raise Invalid(*problems)
    return values


def _tag_problems(tags: list[str]) -> list[Problem]:
    found = []
    if len(tags) > MOST_TAGS:
        found.append(Problem("tags", "too_many", f"At most {MOST_TAGS} tags.", MOST_TAGS))
    if any(len(tag) > 100 for tag in tags):
        found.append(Problem("tags", "too_long", "A tag has at most 100 characters.", 100))
    return found


def _save(contact: Contact, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            contact.save(update_fields=update_fields)
    except IntegrityError as conflict:
        for name in IDENTITIES:
            if f"one_contact_per_{name}" in str(conflict):
                raise AlreadyTaken(name) from None
        raise


def _full_name(values: Mapping[str, Any]) -> str:
    names = (values.get("first_name") or "", values.get("last_name") or "")
    return " ".join(filter(None, names))[: attributes.LONGEST_TEXT]


def _random_name() -> str:
    return f"{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}-{secrets.randbelow(900) + 100}"
