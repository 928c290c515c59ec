"""What can be said where clients of ours show it: all of it."""

from inboxes.channels.capabilities import MEDIA_KINDS, Buttons, Capabilities, MediaLimit

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
