"""What WhatsApp calls with, as short as tests want to say it."""

import itertools
import time
from typing import Any

from inboxes.models import Inbox
from tests.inbound.callers import Caller
from tests.providers import graph

ANA = "16505551234"
_ids = itertools.count(1)


class WhatsApp(Caller):
    """Meta, telling a number's inbox."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox, "whatsapp")

    def tells(self, value: dict[str, Any], *, field: str = "messages", **changed: str) -> Any:
        """Call with one change of the number."""
        about = {"display_phone_number": "15550001111", "phone_number_id": self.inbox.settings["phone_number_id"]}
        whole = {"messaging_product": "whatsapp", "metadata": about, **value}
        entry = {"id": graph.ACCOUNT, "changes": [{"field": field, "value": whole}]}
        return self.calls({"object": "whatsapp_business_account", "entry": [entry]}, **changed)

    def hears(self, text: str = "Hello", *, by: str = ANA, name: str = "Ana", **more: Any) -> Any:
        """Somebody writes a text; ``user_id`` and other fields are the message's own."""
        message = {"type": "text", "text": {"body": text}, **more}
        return self.says(message, by=by, name=name)

    def says(self, message: dict[str, Any], *, by: str = ANA, name: str = "Ana") -> Any:
        """Somebody sends a message of any type."""
        return self.tells({"contacts": [contact(by, name, message)], "messages": [said(message, by)]})

    def status(self, provider_id: str, status: str, **more: Any) -> Any:
        """A message of ours gets further."""
        told = {"id": provider_id, "status": status, "timestamp": now(), "recipient_id": ANA, **more}
        return self.tells({"statuses": [told]})


def said(message: dict[str, Any], by: str = ANA) -> dict[str, Any]:
    """Return a message as it is told; its id is new unless it is given."""
    sender = {"from": by} if by else {}
    return {"id": f"wamid.in{next(_ids)}", "timestamp": now(), **sender, **message}


def contact(by: str, name: str, message: dict[str, Any]) -> dict[str, Any]:
    """Return whom a callback says it is from."""
    user = {"user_id": message["from_user_id"]} if "from_user_id" in message else {}
    return {"profile": {"name": name}, **({"wa_id": by} if by else {}), **user}


def now() -> str:
    """Return this second, as Meta writes it."""
    return str(int(time.time()))
