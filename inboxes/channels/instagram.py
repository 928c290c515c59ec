"""Instagram: a professional account."""

from collections.abc import Mapping
from typing import Any, ClassVar

from core.errors import Problem
from inboxes.channels import pages
from inboxes.channels.base import Checked
from inboxes.channels.capabilities import Buttons, Capabilities, MediaLimit, Rate
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply

MEGABYTE = 1024 * 1024
LONGEST_TEXT = 1000  # bytes
MEDIA = {
    "image": MediaLimit(frozenset({"image/png", "image/jpeg", "image/gif"}), 8 * MEGABYTE),
    "video": MediaLimit(frozenset({"video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm"}),
                        25 * MEGABYTE),
    "audio": MediaLimit(frozenset({"audio/aac", "audio/mp4", "audio/x-m4a", "audio/wav"}), 25 * MEGABYTE),
}  # fmt: skip


class Instagram(pages.PageChannel):
    """A professional account on Instagram; ``page_id`` is the account's id."""

    kind: ClassVar[str] = "instagram"
    capabilities: ClassVar[Capabilities] = Capabilities(
        longest_text=LONGEST_TEXT,
        text_unit="bytes",
        media=MEDIA,
        buttons=Buttons(13, longest_title=20, longest_id=1000, longest_text=LONGEST_TEXT),
        recipients=frozenset({"native"}),
        receipts=frozenset({"read"}),
        has_window=True,
        person_writes_first=True,
        account_rate=Rate(200, 200),
        recipient_rate=Rate(1, 5),
    )
    object_type: ClassVar[str] = "instagram"

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder:
        """Ask whose token it is."""
        return self.call(settings, "me?fields=user_id,username", method="GET")

    def checked(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Keep the account's name, if it is the account that callbacks will name."""
        told, name = str(reply.document.get("user_id") or ""), reply.document.get("username")
        if told and told != settings["page_id"]:
            words = f"The token is the account {told}'s."
            return Checked(Problem("settings.page_id", "invalid", words))
        return Checked(facts={"account_name": name} if isinstance(name, str) else None)

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that sends a message."""
        body = {"recipient": {"id": message.address}, "message": pages.content(message)}
        return self.call(settings, "me/messages", self.written(body, message))
