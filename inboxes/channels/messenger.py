"""Messenger: a Facebook page."""

from collections.abc import Mapping
from typing import Any, ClassVar

from core.errors import Problem
from inboxes.channels import pages
from inboxes.channels.base import Checked
from inboxes.channels.capabilities import MEDIA_KINDS, Buttons, Capabilities, MediaLimit, Rate
from inboxes.channels.outgoing import Button, HttpOrder, Outgoing, Reply

MEGABYTE = 1024 * 1024
MOST_UNDER_A_TEMPLATE, LONGEST_TEXT_OF_A_TEMPLATE = 3, 640


class Messenger(pages.PageChannel):
    """
    A Facebook page that people write to.

    Replies alone are quick replies, which go once one was chosen. With a link among them they are buttons of a
    template, of which there are three at most.
    """

    kind: ClassVar[str] = "messenger"
    capabilities: ClassVar[Capabilities] = Capabilities(
        longest_text=2000,
        media={kind: MediaLimit(most_bytes=25 * MEGABYTE) for kind in MEDIA_KINDS},
        buttons=Buttons(
            13, MOST_UNDER_A_TEMPLATE, mixes=True, longest_title=20, longest_id=1000, longest_text=2000
        ),
        recipients=frozenset({"native"}),
        receipts=frozenset({"delivered", "read"}),
        has_window=True,
        person_writes_first=True,
        echoes_id=True,
        account_rate=Rate(200, 200),
        recipient_rate=Rate(1, 5),
    )  # fmt: skip
    object_type: ClassVar[str] = "page"

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder:
        """Ask what the page is called."""
        return self.call(settings, f"{settings['page_id']}?fields=name", method="GET")

    def checked(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Keep the page's name."""
        name = reply.document.get("name")
        return Checked(facts={"account_name": name} if isinstance(name, str) else None)

    def problems_of(self, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
        """Return what does not fit where links are."""
        found = super().problems_of(message, settings)
        if not any(button.url for button in message.buttons):
            return found
        count, length = len(message.buttons), len(message.text)
        if count > MOST_UNDER_A_TEMPLATE:
            words = "With a link among them there are at most 3 buttons on Messenger."
            found.append(Problem("button.buttons", "too_many", words, MOST_UNDER_A_TEMPLATE, count))
        if length > LONGEST_TEXT_OF_A_TEMPLATE:
            words = "With a link among its buttons a text has at most 640 characters on Messenger."
            found.append(Problem("button.text", "too_long", words, LONGEST_TEXT_OF_A_TEMPLATE, length))
        return found

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that sends a message; its echo tells our own id again."""
        has_links = any(button.url for button in message.buttons)
        said = _under_a_template(message) if has_links else pages.content(message)
        body = {"recipient": {"id": message.address}, "messaging_type": "RESPONSE", "message": said}
        whole = self.written(body, message)
        if isinstance(whole["message"], dict):
            whole["message"]["metadata"] = message.id
        return self.call(settings, f"{settings['page_id']}/messages", whole)


def _under_a_template(message: Outgoing) -> dict[str, Any]:
    payload = {
        "template_type": "button",
        "text": message.text,
        "buttons": [_button(button) for button in message.buttons],
    }
    return {"attachment": {"type": "template", "payload": payload}}


def _button(button: Button) -> dict[str, str]:
    if button.url:
        return {"type": "web_url", "title": button.title, "url": button.url}
    return {"type": "postback", "title": button.title, "payload": button.id or button.title}
