"""Mails on their way: written out, then handed to a server or to a provider's API."""

import time
from email.utils import parseaddr

from django.core.files.storage import default_storage
from django.core.mail import EmailMultiAlternatives

from inboxes.channels.mails import answers
from inboxes.channels.mails.writing import SMTP_BACKEND
from inboxes.channels.outgoing import MailOrder, Media, Reply
from inboxes.transport import imap, mailapis, smtp
from inboxes.transport.accidents import OUR_FAULT, Accident, Result

UNKNOWN_TYPE = "application/octet-stream"
LEAST_SECONDS = 1.0  # for a folder whose mail server took all the time there was


def send(order: MailOrder, *, livemode: bool) -> Result:
    """
    Send one mail, and return what the server or the provider said; one with nobody ``to`` only logs in.

    Raises RuntimeError for the sandbox, which writes to nobody.
    """
    if not livemode:
        raise RuntimeError("A sandbox was about to send a mail.")
    if not order.to:
        return _check(order)
    try:
        mail = _written(order)
        content = mail.message().as_bytes() if order.backend == SMTP_BACKEND else b""
    except ValueError as wrong:  # a header that would begin another one; refused long before, or a bug of ours
        return Reply(501, str(wrong).encode(), {answers.VIA: "smtp", answers.STAGE: "content"})
    except OSError:
        return Accident(OUR_FAULT, "A file of the message could not be read.")
    if order.backend != SMTP_BACKEND:
        return mailapis.send(order.backend, order.options, mail, seconds=order.seconds)
    return _with_id(_handed_in(order, content), order)


def _check(order: MailOrder) -> Result:
    """Log in where mail is handed in and, if there is a folder, where it is fetched; both in the order's time."""
    until = time.monotonic() + order.seconds
    result = smtp.check(smtp.server_of(order.options), seconds=order.seconds)
    folder = order.options.get("folder")
    if folder is None or isinstance(result, Accident) or result.status >= 300:
        return result
    return imap.check(folder, seconds=max(LEAST_SECONDS, until - time.monotonic()))


def _handed_in(order: MailOrder, content: bytes) -> Result:
    copies = [parseaddr(each)[1] for each in (*order.cc, *order.bcc)]
    envelope = smtp.Envelope(parseaddr(order.sender)[1], order.to, copies)
    return smtp.send(smtp.server_of(order.options), envelope, content, seconds=order.seconds)


def _with_id(result: Result, order: MailOrder) -> Result:
    """Return an answer with what receipts will call the mail: SMTP has no word for it but ours."""
    if isinstance(result, Accident):
        return result
    own_id = {answers.MESSAGE_ID: order.headers.get("Message-ID", "")}
    return Reply(result.status, result.body, {**result.headers, **own_id})


def _written(order: MailOrder) -> EmailMultiAlternatives:
    """Return the mail with its files. Raises OSError for a file that is not to be had."""
    mail = EmailMultiAlternatives(
        order.subject, order.text, order.sender, [order.to], bcc=list(order.bcc), cc=list(order.cc),
        reply_to=list(order.reply_to), headers=dict(order.headers),
    )  # fmt: skip
    if order.html:
        mail.attach_alternative(order.html, "text/html")
    for file in order.attachments:
        mail.attach(file.filename or "file", _content(file), _type(file))
    if order.metadata:
        mail.metadata = dict(order.metadata)  # type: ignore[attr-defined]  # anymail's way of asking
    return mail


def _content(file: Media) -> bytes:
    with default_storage.open(file.path) as stored:
        return bytes(stored.read())


def _type(file: Media) -> str:
    """Return a file's type; a mail in the mail is just a file, for else it would have to be read."""
    given = file.content_type or UNKNOWN_TYPE
    return UNKNOWN_TYPE if given.startswith(("message/", "multipart/")) else given
