"""``docs/channels.md`` says what is so: each setting, each limit, each magic recipient."""

import os
import re
from pathlib import Path

import pytest

from inboxes import channels
from inboxes.channels.outcomes import FAILURES
from outbound.services import magic

GUIDE = Path(__file__).parents[2] / "docs" / "channels.md"
CARRIED = [channel for channel in channels.CHANNELS if channel.is_carried]
TITLES = {"whatsapp": "WhatsApp", "telegram": "Telegram", "sms": "SMS", "email": "E-mail",
          "messenger": "Messenger and Instagram", "instagram": "Messenger and Instagram", "line": "LINE"}  # fmt: skip
# Whose limits the table shows: of SMS both, as they differ.
ROWS = [*[(channel.kind, channel.capabilities) for channel in CARRIED], ("api", channels.find("api").capabilities)]


def chapter(title):
    return GUIDE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def row(kind, can):
    buttons = can.buttons
    cells = [
        f"`{kind}`",
        f"{can.longest_text:,}",
        f"{can.longest_caption:,}" if can.longest_caption else "none",
        str(buttons.most_replies or "none") if "button" in can.types else "none",
        str(buttons.most_links or "none") if "button" in can.types else "none",
        str(can.most_files) if "media" in can.types else "none",
        {"provider": "approved by it", "local": "yours"}.get(can.templates, "none"),
        ", ".join(sorted(can.receipts)) or "none",
        "24 hours" if can.has_window else "none",
    ]
    return f"| {' | '.join(cells)} |"


def test_the_table_is_what_requests_are_checked_against():
    table = "\n".join(row(*each) for each in ROWS)
    if os.environ.get("DEXRA_WRITE_TABLES"):
        head, mark, rest = GUIDE.read_text().partition("|---|---|---|---|---|---|---|---|---|\n")
        GUIDE.write_text(head + mark + table + "\n" + rest[rest.index("\n\nA text's") + 1 :])

    assert table in GUIDE.read_text()


@pytest.mark.parametrize("channel", CARRIED, ids=lambda channel: channel.kind)
def test_every_setting_is_told_of(channel):
    told = set(re.findall(r"`(\w+)`", chapter(TITLES[channel.kind])))

    assert {setting.name for setting in channel.settings if not setting.is_ours} - told == set()


def test_every_magic_recipient_is_told_of():
    told = chapter("Sandbox")

    for digit, name in magic.OUTCOMES.items():
        assert f"| `{magic.PHONES}{digit}` | `{magic.PREFIX}{name}` |" in told


def test_codes_are_those_that_are_answered():
    codes = set(re.findall(r"(?:is|are) `(\w+)`[;.,]", GUIDE.read_text())) - {"manual", "pending", "registered"}

    assert codes & set(FAILURES)
    assert {code for code in codes if "_" in code} <= set(FAILURES) | {"provider_unavailable", "private_address"}
