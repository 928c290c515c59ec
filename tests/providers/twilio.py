"""A fake Messages resource: refuses what Twilio refuses, by its codes; its callbacks are signed by Twilio's library."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

from tests.providers.calling import Call
from tests.providers.server import Act, Provider, Request, answer, answer_json, form_of, query_of

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "twilio-auth-token-of-tests"
NUMBER = "+14155550100"
INVALID, BLOCKED, LANDLINE, TRIAL = "+15005550001", "+15005550004", "+15005550009", "+15005550010"
ERRORS = {
    INVALID: (21211, "The 'To' number +15005550001 is not a valid phone number."),
    BLOCKED: (21610, "Attempt to send to unsubscribed recipient"),
    LANDLINE: (21614, "'To' number is not a valid mobile number"),
    TRIAL: (21608, "The number is unverified. Trial accounts cannot send messages to unverified numbers"),
}


class Twilio(Provider):
    """An account with one number. ``messages`` are those it made, newest first; ``files`` contents by path."""

    def __init__(self, account: str = ACCOUNT, token: str = TOKEN) -> None:
        super().__init__()
        self.account, self.token = account, token
        self.status = "active"
        self.messages: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}

    def reply(self, request: Request) -> Act:
        """Answer a call about the account, its messages or a file."""
        path, home = urlsplit(request.path).path, f"/2010-04-01/Accounts/{self.account}"
        if path.startswith("/kept/"):
            return answer(200, self.files[path.removeprefix("/kept")])
        if not self._knows(request):
            return _no(401, 20003, "Authenticate")
        if path in self.files:  # Twilio keeps it elsewhere, where no credentials are asked for
            return answer(307, headers={"Location": f"/kept{path}"})
        if path == f"{home}.json":
            return answer_json({"sid": self.account, "status": self.status, "type": "Full"})
        if path != f"{home}/Messages.json":
            return _no(404, 20404, f"The requested resource {path} was not found")
        return self._create(request) if request.method == "POST" else self._list(query_of(request))

    def told(self, message: Mapping[str, Any], status: str, **more: str) -> Call:
        """Return the call that tells what became of a message, to where its creation said."""
        fields = {
            "MessageSid": message["sid"], "SmsSid": message["sid"], "SmsStatus": status, "MessageStatus": status,
            "To": message["to"], "From": message["from"], "AccountSid": self.account, "ApiVersion": "2010-04-01",
            **more,
        }  # fmt: skip
        return self.signed(message["status_callback"], fields)

    def wrote(self, url: str, fields: Mapping[str, str]) -> Call:
        """Return the call that brings a message somebody wrote."""
        usual = {"AccountSid": self.account, "To": NUMBER, "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received"}
        return self.signed(url, {**usual, **fields})

    def signed(self, url: str, fields: Mapping[str, str]) -> Call:
        """Return a call with the signature that Twilio's own library makes."""
        signature = RequestValidator(self.token).compute_signature(url, dict(fields))
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "X-Twilio-Signature": signature}
        return Call(url, urlencode(fields).encode(), headers)

    def _knows(self, request: Request) -> bool:
        pair = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {pair}"

    def _create(self, request: Request) -> Act:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _no(400, 21604, "A 'To' phone number is required.")
        fields, files = dict(form_of(request)), [value for name, value in form_of(request) if name == "MediaUrl"]
        if error := _problem(fields, files):
            return _no(400, *error)
        message = {
            "sid": f"{'MM' if files else 'SM'}{len(self.messages):032x}",
            "status": "queued",
            "to": fields["To"],
            "from": fields.get("From") or NUMBER,
            "body": fields.get("Body", ""),
            "account_sid": self.account,
            "direction": "outbound-api",
            "date_created": format_datetime(datetime.now(UTC)),
            "date_sent": None,  # it waits in its sender's queue
            "error_code": None,
            "status_callback": fields.get("StatusCallback", ""),
        }
        self.messages.insert(0, message)
        return answer_json(message, 201)

    def leaves(self, message: dict[str, Any], status: str = "sent") -> None:
        """Have a message leave the queue."""
        message.update(status=status, date_sent=format_datetime(datetime.now(UTC)))

    def _list(self, asked: Mapping[str, str]) -> Act:
        """List by number and by the day it was sent, which what waits has not; a page at a time."""
        size, since = min(int(asked.get("PageSize", 50)), 1000), asked.get("DateSent>", "")
        found = [
            message for message in self.messages
            if all(message[name.lower()] == asked.get(name, message[name.lower()]) for name in ("To", "From"))
            and (not since or (message["date_sent"] and f"{parsedate_to_datetime(message['date_sent']):%F}" >= since))
        ]  # fmt: skip
        more = f"/2010-04-01/Accounts/{self.account}/Messages.json?Page=1&PageSize={size}" if found[size:] else None
        return answer_json({"messages": found[:size], "page_size": size, "next_page_uri": more})


def _problem(fields: Mapping[str, str], files: list[str]) -> tuple[int, str] | None:
    """Return Twilio's code and words for what is wrong with a message, the first thing only."""
    to = fields.get("To", "")
    checks = [
        (not to, 21604, "A 'To' phone number is required."),
        (to[:1] != "+" or not to[1:].isdecimal(), 21211, f"The 'To' number {to} is not a valid phone number."),
        (not fields.get("From") and not fields.get("MessagingServiceSid"), 21603, "A 'From' phone number is required."),
        (not fields.get("Body") and not files, 21602, "Message body is required."),
        (len(fields.get("Body", "")) > 1600, 21617, "The concatenated message body exceeds the 1600 character limit"),
        (len(files) > 10, 21623, "Number of media files exceeds allowed limit"),
        (any(not url.startswith("http") for url in files), 21620, "Invalid media URL(s)"),
        (not 1 <= int(fields.get("ValidityPeriod", 100)) <= 36000, 21628, "Invalid ValidityPeriod"),
    ]
    found = next(((code, words) for is_wrong, code, words in checks if is_wrong), None)
    return found or ERRORS.get(to)


def _no(status: int, code: int, words: str) -> Act:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer_json({"code": code, "message": words, "more_info": more, "status": status}, status)
