"""What became of mails of ours, as servers report it by mail: bounces (RFC 3464) and readings (RFC 8098)."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from inboxes.channels.incoming import Receipt
from inboxes.channels.mails import addresses, answers, threads
from inboxes.channels.mails.letters import Headers, Letter

ACTIONS: Mapping[str, str] = {
    "failed": "failed",
    "delivered": "delivered",
    "relayed": "",
    "expanded": "",
    "delayed": "",
}
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


def receipts(letter: Letter, at: datetime) -> list[Receipt]:
    """
    Return what a mail reports of ours; empty where it reports nothing, or of mails we never sent.

    Ours are known by their sealed Message-IDs: nobody can make up a bounce to have an address suppressed.
    """
    ours = _ours(letter)
    if not ours:
        return []
    if letter.reports:
        return [receipt for group in letter.reports for receipt in _reported(letter, group, ours[0], at)]
    failed = addresses.all_in(*letter.every("x-failed-recipients"))
    if failed:  # of servers older than the standard
        said = "\n".join(letter.texts)
        failure = answers.of_bounce(answers.enhanced_code(said), " ".join(said.split()))
        return [Receipt("failed", at, message_id=ours[0], address=failed[0][1], failure=failure)]
    return []


def is_report(letter: Letter) -> bool:
    """Whether a mail is there to report of another."""
    return (
        bool(letter.reports) or letter.content_type == "multipart/report" or bool(letter.every("x-failed-recipients"))
    )


def _ours(letter: Letter) -> list[str]:
    if not is_report(letter):
        return []
    named = [value for headers in (*letter.returned, *letter.reports) for _, value in headers]
    quoted = [
        *letter.texts,
        *(file.content.decode("latin-1") for file in letter.files if file.filename.endswith("eml")),
    ]
    return threads.ours_in([*named, *letter.every("in-reply-to", "references"), *quoted])


def _reported(letter: Letter, group: Headers, message_id: str, at: datetime) -> Iterator[Receipt]:
    fields = dict(group)
    recipient = _recipient(fields)
    disposition = fields.get("disposition", "").lower()
    if "displayed" in disposition:
        yield Receipt("read", at, message_id=message_id, address=recipient)
        return
    status = ACTIONS.get(fields.get("action", "").strip().lower(), "")
    if not status or (recipient and not _is_for_them(letter, recipient)):
        return
    failure = None
    if status == "failed":
        code = STATUS.search(fields.get("status", ""))
        said = fields.get("diagnostic-code", "").partition(";")[2].strip()
        # Many servers say 5.0.0 and mean what stands in the words.
        told = code[0] if code and not code[0].endswith(".0.0") else answers.enhanced_code(said)
        failure = answers.of_bounce(told or (code[0] if code else ""), said)
    yield Receipt(status, at, message_id=message_id, address=recipient, failure=failure)


def _recipient(fields: Mapping[str, str]) -> str:
    named = fields.get("original-recipient") or fields.get("final-recipient", "")
    return addresses.canonical(named.rpartition(";")[2].strip().strip("<>")) or ""


def _is_for_them(letter: Letter, recipient: str) -> bool:
    """Whether a recipient is the one our mail was for; what becomes of its copies is not what became of it."""
    copies = [value for headers in letter.returned for name, value in headers if name in {"cc", "bcc"}]
    return recipient not in {address for _, address in addresses.all_in(*copies)}
