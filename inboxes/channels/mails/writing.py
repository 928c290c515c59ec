"""Mails as they are written: our messages with the headers that thread them, and what logs in without writing."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.errors import Problem
from inboxes.channels.mails import addresses, providers, threads
from inboxes.channels.outgoing import FolderOrder, Mail, MailOrder, Media, Outgoing

SMTP_BACKEND = "smtp"
PORTS = {"none": 25, "starttls": 587, "tls": 465}
IMAP_PORTS = {"none": 143, "starttls": 143, "tls": 993}
SECONDS, BYTES_A_SECOND, MOST_SECONDS = 20.0, 512 * 1024, 60.0
MOST_COPIES = 50
MOST_BYTES = 18 * 1024 * 1024  # servers commonly take 25 MB, and base64 makes four bytes of three
LONGEST_SUBJECT = 900  # RFC 5322 section 2.1.1 with room for its encoding
OVERRIDABLE = ("x-", "list-id", "feedback-id", "organization", "importance", "sensitivity")


def problems(message: Outgoing) -> list[Problem]:
    """Return what no mail can be made of: a missing subject, and whatever would begin a header of its own."""
    return [
        *_subject_problems(message.mail, has_thread=bool(message.mail.references or message.reply_to)),
        *_address_problems(message.mail),
        *_header_problems(message.overrides.get("headers", {})),
        *_file_problems(message.media),
    ]


def order(message: Outgoing, settings: Mapping[str, Any]) -> MailOrder:
    """Return the mail that says a message, for whoever carries the inbox's mail."""
    carrier = providers.carrier_of(settings)
    attached, linked = _parted(message.media)
    headers = _headers(message, settings)
    return MailOrder(
        backend=carrier.backend if carrier else SMTP_BACKEND,
        options=providers.options_of(carrier, settings) if carrier else _smtp_options(settings),
        sender=addresses.named(str(settings.get("from_name") or ""), str(settings["from_address"])),
        to=message.address,
        subject=_subject(message, settings, is_answer="In-Reply-To" in headers),
        text=_text(message, linked),
        html=message.mail.html or _html(message, linked),
        headers={**headers, **(carrier.keeps if carrier else {}), **message.overrides.get("headers", {})},
        cc=tuple(message.mail.cc),
        bcc=tuple(message.mail.bcc),
        reply_to=_reply_to(message, settings),
        attachments=attached,
        metadata={"dexra_message": message.id} if carrier and carrier.has_metadata else {},
        seconds=min(MOST_SECONDS, SECONDS + sum(file.size for file in attached) / BYTES_A_SECOND),
    )


def check(settings: Mapping[str, Any]) -> MailOrder:
    """Return what logs in at the server, and at that of the folder, and says nothing."""
    options: dict[str, Any] = _smtp_options(settings)
    if found := folder(settings):
        options["folder"] = found
    return MailOrder(SMTP_BACKEND, options, sender=str(settings["from_address"]), to="", subject="", text="")


def folder(settings: Mapping[str, Any]) -> FolderOrder | None:
    """Return the folder an inbox's mail is fetched from."""
    if not settings.get("imap_host"):
        return None
    security = settings.get("imap_security") or "tls"
    return FolderOrder(
        host=settings["imap_host"],
        port=settings.get("imap_port") or IMAP_PORTS[security],
        security=security,
        username=str(settings.get("imap_username") or ""),
        password=str(settings.get("imap_password") or ""),
        name=str(settings.get("imap_folder") or "INBOX"),
    )


def _smtp_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the server is and who logs in; without a word on it, TLS is begun before the password is said."""
    port = settings.get("smtp_port")
    security = settings.get("smtp_security") or ("tls" if port == PORTS["tls"] else "starttls")
    return {
        "host": str(settings.get("smtp_host") or ""),
        "port": port or PORTS[security],
        "security": security,
        "username": str(settings.get("smtp_username") or ""),
        "password": str(settings.get("smtp_password") or ""),
    }


# --- what is said --------------------------------------------------------------------------------


def _parted(files: Sequence[Media]) -> tuple[list[Media], list[Media]]:
    """Return the files that go along, and those that are somewhere on the web and are linked."""
    return [file for file in files if file.path], [file for file in files if not file.path]


def _links(message: Outgoing, linked: Iterable[Media]) -> list[tuple[str, str]]:
    buttons = [(button.title, button.url) for button in message.buttons]
    return buttons + [(file.filename or file.kind, file.url) for file in linked]


def _text(message: Outgoing, linked: Iterable[Media]) -> str:
    links = [f"{title}: {url}" if url else title for title, url in _links(message, linked)]
    parts = [message.header, message.text, "\n".join(links), message.footer]
    return "\n\n".join(part for part in parts if part)


def _html(message: Outgoing, linked: Iterable[Media]) -> str:
    """Return the same with links to be pressed; nothing where plain text says all there is."""
    links = _links(message, linked)
    if not links:
        return ""
    parts = [f"<strong>{_escaped(message.header)}</strong>" if message.header else "", _escaped(message.text)]
    parts += [f'<a href="{html.escape(url)}">{_escaped(title)}</a>' if url else _escaped(title) for title, url in links]
    parts += [f"<small>{_escaped(message.footer)}</small>" if message.footer else ""]
    return "\n".join(f"<p>{part}</p>" for part in parts if part)


def _escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


# --- the headers ---------------------------------------------------------------------------------


def _headers(message: Outgoing, settings: Mapping[str, Any]) -> dict[str, str]:
    domain = str(settings["from_address"]).rpartition("@")[2]
    headers = {"Message-ID": threads.message_id(message.id, domain)}
    references = threads.shortened([*message.mail.references, message.reply_to])
    if references:
        headers["In-Reply-To"] = threads.bracketed(message.reply_to) or references[-1]
        headers["References"] = " ".join(references)
    if message.mail.is_automatic:
        headers["Auto-Submitted"] = "auto-replied" if references else "auto-generated"
    elif message.category in {"authentication", "utility"}:
        headers["Auto-Submitted"] = "auto-generated"
    if message.category == "marketing":
        headers["Precedence"] = "bulk"  # so that nobody's holiday answers it
        if message.mail.unsubscribe_url:
            headers["List-Unsubscribe"] = f"<{message.mail.unsubscribe_url}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return headers


def _reply_to(message: Outgoing, settings: Mapping[str, Any]) -> tuple[str, ...]:
    if message.mail.reply_to:
        return (message.mail.reply_to,)
    domain = str(settings.get("inbound_domain") or "").lower()
    if not domain:
        return ()
    return (addresses.named(str(settings.get("from_name") or ""), threads.reply_address(message.id, domain)),)


def _subject(message: Outgoing, settings: Mapping[str, Any], *, is_answer: bool) -> str:
    subject = " ".join(message.mail.subject.split())
    if not subject:
        subject = f"Message from {settings.get('from_name') or settings['from_address']}"
    return threads.answering(subject) if is_answer else subject


# --- what is wrong -------------------------------------------------------------------------------


def _subject_problems(mail: Mail, *, has_thread: bool) -> list[Problem]:
    if not mail.subject.strip() and not has_thread:
        return [Problem("email.subject", "required", "A new mail needs a subject: email.subject.")]
    if addresses.breaks_lines(mail.subject):
        return [Problem("email.subject", "invalid_characters", "A subject is one line, without control characters.")]
    if len(mail.subject) > LONGEST_SUBJECT:
        return [Problem("email.subject", "too_long", f"A subject has at most {LONGEST_SUBJECT} characters.",
                        LONGEST_SUBJECT)]  # fmt: skip
    return []


def _address_problems(mail: Mail) -> list[Problem]:
    given = [(f"email.{name}[{n}]", each) for name in ("cc", "bcc") for n, each in enumerate(getattr(mail, name))]
    found = [
        Problem(field, "invalid_address", f"{field} is an e-mail address.")
        for field, each in [*given, *([("email.reply_to", mail.reply_to)] if mail.reply_to else [])]
        if not addresses.canonical(each)
    ]
    if len(given) > MOST_COPIES:
        found.append(Problem("email.cc", "too_many", f"At most {MOST_COPIES} cc and bcc.", MOST_COPIES))
    return found


def _file_problems(files: Sequence[Media]) -> list[Problem]:
    """Return whether files that are small enough one by one are too much together."""
    total = sum(file.size for file in files if file.path)
    if len(files) < 2 or total <= MOST_BYTES:
        return []
    return [Problem("attachments", "too_large", "The files of a mail have at most 18 MiB together.", MOST_BYTES)]


def _header_problems(headers: Any) -> list[Problem]:
    if not isinstance(headers, Mapping):
        return [Problem("overrides.email.headers", "wrong_type", "headers is an object of texts.")]
    found = []
    for name, value in headers.items():
        field = f"overrides.email.headers.{name}"
        if not str(name).lower().startswith(OVERRIDABLE) or not str(name).replace("-", "").isalnum():
            found.append(Problem(field, "unknown_header", f"Of the headers only these can be set: {OVERRIDABLE}."))
        elif not isinstance(value, str) or addresses.breaks_lines(value) or len(value) > LONGEST_SUBJECT:
            found.append(Problem(field, "invalid_characters", "A header's value is one line of text."))
    return found
