"""What the channels of our own clients have in common: they say everything, and know which pages may talk to them."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from core.errors import Problem
from inboxes.channels import origins
from inboxes.channels.base import Channel, Setting
from inboxes.channels.capabilities import MEDIA_KINDS, Buttons, Capabilities, MediaLimit

APPEARANCE = "appearance"  # how the chat looks; for the SDK, and for everybody to see
LARGEST_APPEARANCE_BYTES = 16 * 1024
MEBIBYTE = 1024 * 1024

ON_THE_CABLE = Capabilities(
    longest_text=150_000,
    longest_caption=150_000,
    media={kind: MediaLimit(most_bytes=40 * MEBIBYTE) for kind in MEDIA_KINDS},
    most_files=15,
    buttons=Buttons(10, 10, mixes=True, longest_title=80, longest_id=256, longest_text=150_000,
                    longest_header=255, longest_footer=255),
    templates="local",
    recipients=frozenset({"user"}),
    receipts=frozenset({"read"}),
)  # fmt: skip


class Cabled(Channel):
    """A channel whose clients are browsers and apps that talk to us."""

    settings: ClassVar[tuple[Setting, ...]] = (Setting(origins.SETTING, list), Setting(APPEARANCE, dict))
    capabilities: ClassVar[Capabilities] = ON_THE_CABLE
    clients_sign: ClassVar[bool] = True

    def problems(self, given: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the settings; a wrong origin by its place."""
        listed = given.get(origins.SETTING)
        found = super().problems(given) + (origins.problems(listed) if isinstance(listed, list) else [])
        if len(json.dumps(given.get(APPEARANCE), ensure_ascii=False).encode()) > LARGEST_APPEARANCE_BYTES:
            words = "How the chat looks is said in at most 16 KiB."
            found.append(Problem(f"settings.{APPEARANCE}", "too_large", words, LARGEST_APPEARANCE_BYTES))
        return found
