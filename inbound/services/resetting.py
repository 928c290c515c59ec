"""A sandbox that begins anew: what was said there goes, a piece at a time; how it is set up stays."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from django.db import IntegrityError, OperationalError, transaction

from accounts.models import Environment, IdempotencyKey, TenantModel
from accounts.services import audit
from contacts.models import Contact, Suppression
from conversations.models import Attachment, Conversation, Message
from conversations.services import attachments
from core.errors import NotAllowed
from inbound.models import RawCallback, Receival

SECONDS = 10.0
AT_ONCE = 500
PATIENCE = 3  # pieces in a row that somebody else's work came between
# In this order: what hangs on something goes before it. What is sent hangs on its message, and goes with it.
GOES: Mapping[str, type[TenantModel]] = {
    "callbacks": RawCallback,
    "receivals": Receival,
    "messages": Message,
    "files": Attachment,
    "conversations": Conversation,
    "users": Contact,
    "suppressions": Suppression,
    "answers": IdempotencyKey,
}
# How the files are found that go with rows.
HAVE_FILES: Mapping[type[TenantModel], str] = {Message: "message__in", Attachment: "pk__in"}
TOLD = ("users", "conversations", "messages", "callbacks", "suppressions")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was deleted, and whether that was all."""

    is_done: bool
    deleted: Mapping[str, int]


def reset(environment: Environment, *, by: audit.Who) -> Outcome:
    """Delete what was said in a sandbox, for ten seconds at most; the rest the next time. Raises NotAllowed."""
    if environment.livemode:
        raise NotAllowed("Only a sandbox begins anew.")
    audit.record(environment=environment, who=by, action="sandbox.reset", target="")
    until = time.monotonic() + SECONDS
    deleted = dict.fromkeys(TOLD, 0)
    for name, model in GOES.items():
        count, is_done = _empty(environment, model, until)
        if name in deleted:
            deleted[name] = count
        if not is_done:
            return Outcome(is_done=False, deleted=deleted)
    return Outcome(is_done=True, deleted=deleted)


def _empty(environment: Environment, model: type[TenantModel], until: float) -> tuple[int, bool]:
    """Delete the rows of a table piece by piece; returns how many, and whether none is left."""
    total, patience = 0, PATIENCE
    while time.monotonic() < until and patience > 0:
        try:
            count = _piece(environment, model)
        except (IntegrityError, OperationalError):  # an engine had something under way just then
            patience -= 1
            continue
        total, patience = total + count, PATIENCE
        if count < AT_ONCE:
            return total, True
    return total, False


@transaction.atomic
def _piece(environment: Environment, model: type[TenantModel]) -> int:
    rows = model.of(environment)
    piece = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    hanging = HAVE_FILES.get(model)
    if hanging is not None:
        _remove_files(environment, {hanging: piece})
    rows.filter(pk__in=piece).delete()
    return len(piece)


def _remove_files(environment: Environment, where: Mapping[str, list[int]]) -> None:
    stored = Attachment.of(environment).filter(**where).exclude(file=None).values_list("file", flat=True)
    paths = sorted({path for path in stored if path})
    if paths:
        transaction.on_commit(partial(attachments.remove, paths))
