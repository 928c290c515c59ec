"""What a mail says, in the words of this house."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from inboxes.channels.incoming import Incoming, Said, Sender
from inboxes.channels.mails import addresses, automatic, markup, proofs, quotes, reports, threads
from inboxes.channels.mails.letters import Letter

LONGEST_TEXT = 100_000
LONGEST_ID = 400
LONGEST_SUBJECT = 500
MOST_RECIPIENTS = 100
ARRIVED_AT = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")


def read(letter: Letter, settings: Mapping[str, Any], received_at: datetime) -> list[Incoming]:
    """
    Return what a mail says: what became of one of ours, or what somebody wrote.

    A mail of ours that came back says nothing. Raises ValueError for one that nobody sent.
    """
    at = min(_date(letter) or received_at, received_at)
    if reported := reports.receipts(letter, at):
        return list(reported)
    if threads.ours_in(letter.every("message-id")):
        return []
    return [_said(letter, settings, at)]


def _said(letter: Letter, settings: Mapping[str, Any], at: datetime) -> Said:
    name, sender = _sender(letter, settings)
    own = _is_own(sender, settings)
    html = markup.harmless("\n".join(letter.htmls)) if letter.htmls else ""
    whole = ("\n\n".join(filter(None, (text.strip() for text in letter.texts))) or markup.plain(html))[:LONGEST_TEXT]
    return Said(
        id=_id(letter, sender),
        sender=Sender(sender, name[:200], is_claimed=not proofs.is_proved(letter, sender, settings)),
        at=at,
        text=quotes.without_quotes(whole),
        files=letter.files,
        mail={
            "subject": " ".join(letter.first("subject").split())[:LONGEST_SUBJECT],
            "text": whole,
            "html": html,
            "message_id": threads.bracketed(letter.first("message-id")),
            **_thread(letter, settings),
            "token_conversation": "",
            "is_automatic": own or automatic.is_automatic(letter, sender),
            "is_bulk": own or automatic.is_bulk(letter, sender),
            "to": _people(letter, "to"),
            "cc": _people(letter, "cc"),
            "inline": dict(letter.inline),
        },
    )


def _thread(letter: Letter, settings: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what the mail answers: ``references``, oldest first, and ``our_message_ids``, the likeliest first.

    The mail it says it answers comes before what led to that, and both before the address it was sent to.
    """
    answered = [each for value in letter.every("in-reply-to") for each in threads.message_ids_in(value)]
    led_here = [each for value in letter.every("references") for each in threads.message_ids_in(value)]
    arrived = [address for _, address in addresses.all_in(*letter.every("to", "cc", *ARRIVED_AT))]
    domain = str(settings.get("inbound_domain") or "")
    ours = threads.ours_in([*answered, *reversed(led_here)]) + threads.answered_by(arrived, domain)
    references = [each for each in led_here if each not in answered] + answered
    return {"references": threads.shortened(references), "our_message_ids": list(dict.fromkeys(ours))}


def _sender(letter: Letter, settings: Mapping[str, Any]) -> tuple[str, str]:
    """
    Return the name and address of whoever wants an answer. Raises ValueError where nobody does.

    ``Reply-To`` comes first, as RFC 5322 has it: forms on websites write from an address of their own. A list's, and
    one that is ours, name nobody.
    """
    wanted = [] if letter.every("list-id") else addresses.all_in(*letter.every("reply-to"))
    written = addresses.all_in(*letter.every("from"), *letter.every("sender"), *letter.every("return-path"))
    if len(wanted) == 1 and not _is_own(wanted[0][1], settings):
        name = next((name for name, address in written if address == wanted[0][1] and name), "")
        return wanted[0][0] or name or (written[0][0] if written else ""), wanted[0][1]
    if not written:
        raise ValueError("The mail names no sender.")
    return written[0]


def _is_own(address: str, settings: Mapping[str, Any]) -> bool:
    domain = str(settings.get("inbound_domain") or "").lower()
    own = str(settings.get("from_address") or "").lower()
    return address == own or (bool(domain) and address.endswith(f"@{domain}"))


def _id(letter: Letter, sender: str) -> str:
    """Return what the mail is called; one without a name by what is in it, so that the same one is known again."""
    named = threads.bracketed(letter.first("message-id"))
    if named and len(named) <= LONGEST_ID:
        return named
    parts: Sequence[str] = [sender, letter.first("message-id"), letter.first("date"), letter.first("subject"),
                            *letter.texts, *letter.htmls]  # fmt: skip
    digest = hashlib.sha256("\0".join(parts).encode())
    for file in letter.files:
        digest.update(file.content)
    return f"sha256:{digest.hexdigest()}"


def _people(letter: Letter, header: str) -> list[str]:
    return [addresses.named(*each) if each[0] else each[1] for each in addresses.all_in(*letter.every(header))][
        :MOST_RECIPIENTS
    ]


def _date(letter: Letter) -> datetime | None:
    try:
        date = parsedate_to_datetime(letter.first("date"))
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
