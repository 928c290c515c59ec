"""Which mails no person wrote: answered by nothing of ours, or two machines would write to each other for ever."""

from inboxes.channels.mails.letters import Letter

PRECEDENCES = {"bulk", "junk", "list", "auto_reply"}
# Whoever sends these wants no automatic answers, or is one itself.
MARKS = ("x-autoreply", "x-autorespond", "x-auto-response", "x-failed-recipients", "x-loop")
LISTS = ("list-id", "list-unsubscribe", "list-post", "feedback-id")
MACHINES = ("mailer-daemon@", "postmaster@", "bounce@", "bounces@")
UNANSWERED = (*MACHINES, "noreply@", "no-reply@", "donotreply@", "do-not-reply@", "no_reply@")


def is_automatic(letter: Letter, sender: str) -> bool:
    """Whether a machine wrote a mail: out of office, a newsletter, a bounce."""
    submitted = letter.first("auto-submitted").partition(";")[0].strip().lower()
    suppressed = letter.first("x-auto-response-suppress").lower()
    return (
        submitted not in {"", "no"}
        or any(word in suppressed for word in ("all", "autoreply", "oof"))
        or any(letter.every(name) for name in MARKS)
        or sender.startswith(UNANSWERED)
        or is_bulk(letter, sender)
    )


def is_bulk(letter: Letter, sender: str) -> bool:
    """Whether a mail went to many, or reports of another: nothing a new conversation begins with."""
    precedence = letter.first("precedence").strip().lower()
    return (
        precedence in PRECEDENCES
        or any(letter.every(name) for name in LISTS)
        or letter.content_type == "multipart/report"
        or letter.first("return-path").strip() == "<>"
        or sender.startswith(MACHINES)
    )
