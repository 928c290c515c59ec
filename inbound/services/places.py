"""Places and cards: what is no file and hangs on a message like one."""

from collections.abc import Mapping
from urllib.parse import quote

from conversations.models import Attachment
from conversations.services.attachments import StoredFile
from inbound.services.words import tidy
from inboxes.channels.incoming import Card, Place, Said

MOST = 20


def of(said: Said) -> list[StoredFile]:
    """Return a message's places and cards as attachments."""
    return [*map(_place, said.places[:MOST]), *map(_card, said.cards[:MOST])]


def _place(place: Place) -> StoredFile:
    title = ", ".join(filter(None, (place.name, place.address)))
    where = {"latitude": place.latitude, "longitude": place.longitude}
    details = {**where, "name": place.name, "address": place.address}
    return _attachment(Attachment.Type.LOCATION, f"geo:{place.latitude},{place.longitude}", details, title)


def _card(card: Card) -> StoredFile:
    numbers, emails = list(card.phone_numbers[:MOST]), list(card.emails[:MOST])
    schemes = [f"tel:{quote(each, safe='+')}" for each in numbers] + [
        f"mailto:{quote(each, safe='@+')}" for each in emails
    ]
    details = {"name": card.name, "phone_numbers": numbers, "emails": emails}
    return _attachment(Attachment.Type.CONTACT, next(iter(schemes), ""), details, card.name)


def _attachment(kind: str, url: str, details: Mapping[str, object], title: str) -> StoredFile:
    return StoredFile("", tidy(title)[:255], "", 0, external_url=url[:2048], type=kind, details=tidy(details))
