"""Tombstones: what is left of somebody who was erased, or who turned out to be somebody else."""

from django.utils import timezone

from contacts.models import Contact
from contacts.services import attributes, contacts

# Whatever else a record holds is personal: what is added to it later too, until somebody says otherwise here.
KEPT = frozenset({"id", "environment", "created_at", "updated_at", "erased_at", "merged_into"})
PERSONAL = tuple(field.name for field in Contact._meta.concrete_fields if field.name not in KEPT)
MOMENTS = ("last_seen_at", "last_activity_at")


def bury(contact: Contact, *, merged_into: Contact | None = None) -> None:
    """Leave nothing personal in a locked record: of somebody erased, or merged into somebody else."""
    blank, contact.updated_at = Contact(), timezone.now()
    for name in PERSONAL:
        setattr(contact, name, getattr(blank, name))
    if merged_into is None:
        contact.erased_at = contact.updated_at
    else:
        contact.merged_into = merged_into
    contact.save(update_fields=[*PERSONAL, "erased_at", "merged_into", "updated_at"])


def absorb(source: Contact, *, into: Contact) -> None:
    """
    Let one locked record take over from another what it does not say itself, and bury the other.

    Custom attributes are taken over where there is room for those of both.

    Whoever was blocked or verified as either of them still is: nobody gets unblocked by turning out to be somebody
    else.
    """
    filled = {name: getattr(into, name) or getattr(source, name) for name in PERSONAL if name != "former_external_id"}
    filled |= {name: max(filter(None, (getattr(into, name), getattr(source, name))), default=None) for name in MOMENTS}
    together = attributes.merged(source.custom_attributes, into.custom_attributes)
    filled["custom_attributes"] = into.custom_attributes if attributes.attribute_problems(together) else together
    filled["tags"] = list(dict.fromkeys([*into.tags, *source.tags]))[: contacts.MOST_TAGS]
    former = source.external_id
    bury(source, merged_into=into)  # first: its identities become free
    if former != filled["external_id"]:  # whoever still calls them that is told who they are now
        source.former_external_id = former
        source.save(update_fields=["former_external_id"])
    for name, value in filled.items():
        setattr(into, name, value)
    into.updated_at = source.updated_at
    into.save(update_fields=[*filled, "updated_at"])
