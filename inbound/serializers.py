"""The public JSON of what the sandbox plays."""

from collections.abc import Mapping
from typing import Any

from core import crypto
from inboxes import channels
from inboxes.channels.incoming import Callback
from inboxes.models import Inbox

LONGEST_SHOWN = 64 * 1024


def callback_json(inbox: Inbox, callback: Callback) -> dict[str, Any]:
    """Return a callback as its provider would make it: ``{method, url, headers, body}``, with secrets masked."""
    secrets = _secrets(inbox)
    return {
        "method": callback.method,
        "url": _masked(callback.url, secrets),
        "headers": {name: _masked(value, secrets) for name, value in callback.headers.items()},
        "body": _masked(callback.body[:LONGEST_SHOWN].decode(errors="replace"), secrets),
    }


def _secrets(inbox: Inbox) -> Mapping[str, str]:
    names = [setting.name for setting in channels.find(inbox.channel).settings if setting.is_secret]
    return {
        str(inbox.settings[name]): crypto.masked(str(inbox.settings[name]))
        for name in names
        if inbox.settings.get(name)
    }


def _masked(text: str, secrets: Mapping[str, str]) -> str:
    for secret, mask in secrets.items():
        text = text.replace(secret, mask)
    return text
