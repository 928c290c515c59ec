"""Places and cards: what is no file and hangs on a message like one."""

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
    chatwoots = {"coordinates_lat": place.latitude, "coordinates_long": place.longitude, "fallback_title": title}
    return _attachment(
        Attachment.Type.LOCATION, f"geo:{place.latitude},{place.longitude}",
        {**where, "name": place.name, "address": place.address, **chatwoots}, title,
    )  # fmt: skip


def _card(card: Card) -> StoredFile:
    numbers, emails = list(card.phone_numbers[:MOST]), list(card.emails[:MOST])
    schemes = [f"tel:{quote(each, safe='+')}" for each in numbers] + [
        f"mailto:{quote(each, safe='@+')}" for each in emails
    ]
    details = {"name": card.name, "phone_numbers": numbers, "emails": emails}
    chatwoots = {"fallback_title": next(iter([*numbers, *emails]), ""), "meta": {"firstName": card.name}}
    return _attachment(Attachment.Type.CONTACT, next(iter(schemes), ""), {**details, **chatwoots}, card.name)


def _attachment(kind: str, url: str, details: dict[str, object], title: str) -> StoredFile:
    return StoredFile("", tidy(title)[:255], "", 0, external_url=url[:2048], type=kind, details=tidy(details))
