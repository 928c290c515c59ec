"""LINE: the Messaging API."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from core import crypto
from core.errors import Problem
from core.sentences import ended
from inboxes.channels import answers, line_events
from inboxes.channels.base import Channel, Checked, Setting
from inboxes.channels.capabilities import Buttons, Capabilities, MediaLimit, Rate
from inboxes.channels.incoming import Callback, Incoming, IncomingFile
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent
from inboxes.channels.outgoing import Button, HttpOrder, Outgoing, Reply

MEGABYTE = 1024 * 1024
ADDRESS = re.compile(r"[UCR][0-9a-f]{32}", re.ASCII)
CONTENT_ID = re.compile(r"\d{1,40}", re.ASCII)
LONGEST_URL = 1000

# The template with buttons stays in the chat; what is too much for it goes as quick replies, which last until the
# next message.
MOST_IN_A_TEMPLATE, LONGEST_IN_A_TEMPLATE = 4, 160
MOST_QUICK_REPLIES = 13
LONGEST_ALTERNATIVE = 400

BAD_REQUEST = (
    ("the property, 'to'", Rejected("invalid_recipient")),
    ("the property, to,", Rejected("invalid_recipient")),
    ("failed to send messages", Rejected("recipient_not_reachable")),
    ("originalcontenturl", Rejected("media_refused")),
    ("previewimageurl", Rejected("media_refused")),
)


class Line(Channel):
    """An official account that people befriend."""

    kind: ClassVar[str] = "line"
    ours: ClassVar[frozenset[str]] = frozenset({"to", "messages"})
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("channel_access_token", is_secret=True, is_needed=True),
        Setting("channel_secret", is_secret=True, is_needed=True, longest=128),
        Setting("bot_user_id", is_ours=True, is_account=True),
        Setting("bot_name", is_ours=True),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        longest_text=5000,
        text_unit="utf16",
        longest_caption=5000,  # it follows in the same call, as a message of its own
        # Videos take a preview picture and audio its length, which nobody tells us: they go as links.
        media={"image": MediaLimit(frozenset({"image/jpeg", "image/png"}), 10 * MEGABYTE)},
        most_files=4,  # a push has five messages; the words are one
        buttons=Buttons(MOST_QUICK_REPLIES, MOST_QUICK_REPLIES, mixes=True, longest_title=20, longest_id=256,
                        longest_text=5000),
        recipients=frozenset({"native"}),
        person_writes_first=True,
        is_idempotent=True,
        account_rate=Rate(1000, 1000),
        recipient_rate=Rate(5, 10),
    )  # fmt: skip
    is_carried: ClassVar[bool] = True
    has_callback: ClassVar[bool] = True
    signature_header: ClassVar[str] = "x-line-signature"

    # --- set-up --------------------------------------------------------------------------------------------------

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder:
        """Ask who the account is."""
        return _call(settings, "GET", "/v2/bot/info")

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return the account's id, which callbacks are addressed to, or why LINE does not know it."""
        said = reply.document
        if reply.status == 200 and "userId" in said:
            return Checked(facts={"bot_user_id": str(said["userId"]), "bot_name": str(said.get("displayName", ""))})
        words = _words(said, reply)
        if reply.status in {400, 401, 403}:
            problem = Problem(
                "settings.channel_access_token", "channel_auth_failed", f"LINE refuses the token: {ended(words)}"
            )
            return Checked(problem)
        return Checked(Problem("settings", "provider_unavailable", f"LINE could not be asked: {ended(words)}"))

    def register_order(self, settings: Mapping[str, Any], callback_url: str) -> HttpOrder:
        """Tell LINE where events go. That they go at all is switched on in its console."""
        return _call(settings, "PUT", "/v2/bot/channel/webhook/endpoint", {"endpoint": callback_url})

    def judge_register(self, reply: Reply) -> str:
        """Return why LINE refused the callback."""
        return "" if reply.status == 200 else _words(reply.document, reply)

    # --- out -----------------------------------------------------------------------------------------------------

    def address(self, given: str, settings: Mapping[str, Any]) -> str | None:
        """Return the id of a user, a group or a room."""
        given = given.strip()
        return given if ADDRESS.fullmatch(given) else None

    def problems_of(self, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
        """Return which addresses LINE does not open, and what there is too much of."""
        found = super().problems_of(message, settings)
        found += [
            Problem("media.url", "https_required", "LINE shows files at https addresses only.")
            for media in message.media
            if not media.path and not media.url.startswith("https://")
        ]
        if len(message.buttons) > MOST_QUICK_REPLIES:
            words = f"There are at most {MOST_QUICK_REPLIES} buttons."
            found.append(Problem("button.buttons", "too_many", words, MOST_QUICK_REPLIES))
        found += [
            Problem(
                f"button.buttons[{place}].url", "too_long", f"A link has at most {LONGEST_URL} characters.", LONGEST_URL
            )
            for place, button in enumerate(message.buttons)
            if len(button.url) > LONGEST_URL
        ]
        return found

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the push; the key makes LINE take it once within 24 hours, however often it is sent."""
        said = {**message.overrides, "to": message.address, "messages": _messages(message)}
        return _call(settings, "POST", "/v2/bot/message/push", said, {"X-Line-Retry-Key": str(message.retry_key)})

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what LINE's answer means; with 409 an earlier attempt had arrived."""
        said = reply.document
        if reply.status in {200, 409}:
            return Sent(_first_id(said))
        words = _words(said, reply)
        if reply.status in {401, 403}:
            code = "channel_auth_failed" if reply.status == 401 else "account_restricted"
            return Rejected(code, words, str(reply.status), disconnects=True)
        if reply.status == 429:
            if "monthly limit" in words.lower():  # until the month is over, or somebody pays for more
                return Rejected("account_restricted", words, "429", disconnects=True)
            return Deferred("rate_limited", words, "429", reply.retry_after, pauses="account")
        if reply.status == 400 and (refusal := answers.first_of(BAD_REQUEST, words)):
            return Rejected(refusal.code, words, "400")
        return answers.by_status(reply, words)

    # --- in ------------------------------------------------------------------------------------------------------

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the callback is signed with the channel's secret."""
        return crypto.same(self.signature_of(callback, settings), sign(str(settings["channel_secret"]), callback.body))

    def concerns(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the callback is to this account, where it is known which one this is."""
        ours = settings.get("bot_user_id")
        return not ours or answers.object_of(callback.body).get("destination") == ours

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what the events of a callback say; there are none when LINE's console tries it. Raises ValueError."""
        said = answers.callback_of(callback.body)
        with answers.of_its_shape():
            return answers.sound(read for event in said["events"] for read in line_events.read(event))

    def file_order(self, file: IncomingFile, settings: Mapping[str, Any]) -> HttpOrder:
        """Fetch what lies with LINE by the message's id, anything else at its own address, without our token."""
        if not CONTENT_ID.fullmatch(file.reference):
            return HttpOrder("line", "GET", url=file.reference)
        return _call(settings, "GET", f"/v2/bot/message/{quote(file.reference)}/content", provider="line_data")


def sign(secret: str, body: bytes) -> str:
    """Return the signature of a callback: HMAC-SHA256 of its body, in base64."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def _call(
    settings: Mapping[str, Any], method: str, path: str, said: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None, provider: str = "line",
) -> HttpOrder:  # fmt: skip
    token = str(settings["channel_access_token"])
    headers = {"Authorization": f"Bearer {token}", **(headers or {})}
    return HttpOrder(provider, method, path, headers=headers, json=said, secrets=[token])


def _messages(message: Outgoing) -> list[dict[str, Any]]:
    """Return the messages of one push: pictures, then the words, with the buttons where they fit."""
    said: list[dict[str, Any]] = [
        {"type": "image", "originalContentUrl": media.url, "previewImageUrl": media.url} for media in message.media
    ]
    if not message.buttons:
        return [*said, {"type": "text", "text": message.text}] if message.text else said
    actions = [_action(button) for button in message.buttons]
    if len(actions) <= MOST_IN_A_TEMPLATE and _utf16(message.text) <= LONGEST_IN_A_TEMPLATE:
        template = {"type": "buttons", "text": message.text, "actions": actions}
        return [*said, {"type": "template", "altText": message.text[:LONGEST_ALTERNATIVE], "template": template}]
    items = [{"type": "action", "action": action} for action in actions]
    return [*said, {"type": "text", "text": message.text, "quickReply": {"items": items}}]


def _action(button: Button) -> dict[str, str]:
    """Pressed, a button shows its title as if the person had written it, and sends its id unseen."""
    if button.url:
        return {"type": "uri", "label": button.title, "uri": button.url}
    data = button.id + line_events.BEFORE_TITLE + button.title.replace(line_events.BEFORE_TITLE, " ")
    return {"type": "postback", "label": button.title, "data": data, "displayText": button.title}


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _first_id(said: Mapping[str, Any]) -> str:
    """Return the id of the first message of a push; it stands for all of them."""
    sent = said.get("sentMessages")
    first = sent[0] if isinstance(sent, list) and sent else None
    return str(answers.within(first, "id") or "")


def _words(said: Mapping[str, Any], reply: Reply) -> str:
    """Return the error in LINE's words, with the fields it names."""
    details = said.get("details")
    named = [
        ": ".join(str(detail[name]) for name in ("property", "message") if name in detail)
        for detail in (details if isinstance(details, list) else [])
        if isinstance(detail, dict)
    ]
    return "; ".join([str(said.get("message") or f"HTTP {reply.status}"), *named])[: answers.SHOWN]
