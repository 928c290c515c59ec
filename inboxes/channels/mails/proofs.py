"""Whether a mail is from whom it says it is, by what a mail server that is trusted found out (RFC 8601)."""

import re
from collections.abc import Mapping
from typing import Any

from inboxes.channels.mails import addresses
from inboxes.channels.mails.letters import Letter

# What may hold anything that a stranger wrote: texts in quotes, and remarks, which are nested.
QUOTED_OR_REMARK = re.compile(r'"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)')
DEEPEST = 10


def is_proved(letter: Letter, sender: str, settings: Mapping[str, Any]) -> bool:
    """
    Whether the inbox's ``trusted_server`` says that a mail comes from the domain of its sender.

    Only of the address in ``From``, and only by its first word on it: what is further down may have come with the mail.
    """
    trusted = str(settings.get("trusted_server") or "").lower()
    written = [address for _, address in addresses.all_in(*letter.every("from"))]
    if not trusted or written != [sender]:
        return False
    found = (_results(header) for header in letter.every("authentication-results"))
    results = next((results for server, *results in found if server == trusted), [])
    domain = sender.rpartition("@")[2]
    return any(_says_so(result, domain) for result in results)


def _results(header: str) -> list[str]:
    """Return the name of the server, then what it found out."""
    for _ in range(DEEPEST):
        header, changes = QUOTED_OR_REMARK.subn(" ", header)
        if not changes:
            break
    name, *results = header.split(";")
    return [name.strip().partition(" ")[0].lower(), *(result.strip().lower() for result in results)]


def _says_so(result: str, domain: str) -> bool:
    """Whether a result is that DMARC passed for a domain, or a signature of that very domain."""
    verdict, *properties = result.split()[:20] or [""]
    if verdict == "dmarc=pass":
        return f"header.from={domain}" in properties
    named = {each.removeprefix("header.i=").rpartition("@")[2] for each in properties if each.startswith("header.i=")}
    return verdict == "dkim=pass" and (f"header.d={domain}" in properties or domain in named)
