"""Claims: who has an address by nothing but the word of a page, and gives it up to whoever is proved to have it."""

from contacts.models import Contact, ContactSession
from inboxes.channels import SHOWN_TO_CLIENTS


def is_a_pages_word(contact: Contact) -> bool:
    """
    Whether a record says of itself what somebody said in a browser: nobody signed for it, nor calls it by an id.

    A record that no browser ever wrote from is the business's, or a provider's.
    """
    if contact.verified or contact.external_id is not None:
        return False
    return ContactSession.of(contact.environment).filter(
        contact=contact, verified=False, inbox__channel__in=SHOWN_TO_CLIENTS
    ).exists()  # fmt: skip


def is_only_claimed(contact: Contact) -> bool:
    """
    Whether a record's addresses are but a page's word: nobody proved to be them, nor wrote to us by a provider either.

    Where only the business has written by a provider, that provider has told nothing of whose the address is.
    """
    theirs = ContactSession.of(contact.environment).filter(contact=contact)
    wrote = theirs.exclude(inbox__channel__in=SHOWN_TO_CLIENTS).filter(last_inbound_at__isnull=False)
    return is_a_pages_word(contact) and not theirs.filter(verified=True).exists() and not wrote.exists()
