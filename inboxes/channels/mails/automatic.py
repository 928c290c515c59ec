"""Which mails no person wrote: answered by nothing of ours, or two machines would write to each other for ever."""

from inboxes.channels.mails.letters import Letter

PRECEDENCES = {"bulk", "junk", "list", "auto_reply"}
# Not X-Auto-Response-Suppress nor List-Unsubscribe: an order's confirmation has them, too, and somebody waits for it.
MARKS = ("x-autoreply", "x-autorespond", "x-failed-recipients")
MACHINES = ("mailer-daemon@", "postmaster@")


def is_automatic(letter: Letter, sender: str) -> bool:
    """Whether a machine wrote a mail: out of office, a newsletter, a bounce."""
    submitted = letter.first("auto-submitted").partition(";")[0].strip().lower()
    return submitted not in {"", "no"} or any(letter.every(name) for name in MARKS) or is_bulk(letter, sender)


def is_bulk(letter: Letter, sender: str) -> bool:
    """Whether a mail went to many, or reports of another: nothing a new conversation begins with."""
    precedence = letter.first("precedence").strip().lower()
    return (
        precedence in PRECEDENCES
        or bool(letter.every("list-id"))
        or letter.content_type == "multipart/report"
        or letter.first("return-path").strip() == "<>"
        or sender.startswith(MACHINES)
    )
