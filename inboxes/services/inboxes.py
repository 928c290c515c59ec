"""Opening, changing and closing inboxes, and their signing tokens."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils import timezone

from accounts.models import Environment
from accounts.services import audit
from core import crypto, ids
from core.errors import Conflict, Invalid, NotFound, Problem
from inboxes import channels
from inboxes.channels.base import Channel
from inboxes.errors import AlreadyConnected, SignatureMismatch
from inboxes.models import Inbox, InboxHealth
from inboxes.services import connecting, followers, health, registering, syncing

OLD_TOKEN_LIVES = timedelta(hours=24)
SIGNING_TOKEN_LENGTH = 32  # what makes JWTs takes no shorter key for HS256 (RFC 7518 section 3.2)
CHANGEABLE = frozenset(
    {"name", "hmac_mandatory", "time_zone", "working_hours", "working_hours_enabled", "out_of_office_message",
     "greeting_enabled", "greeting_message", "csat_survey_enabled", "lock_to_single_conversation"}
)  # fmt: skip


def create(*, environment: Environment, channel: str, by: audit.Who, fields: Mapping[str, Any]) -> Inbox:
    """
    Open an inbox. ``fields`` are the changeable ones and ``settings``.

    The provider is asked first whether the settings work, and told afterwards where to call us.
    Raises Invalid, naming every wrong field, and what the provider said where it refused; AlreadyConnected.
    """
    if problems := problems_of_new(environment, {**fields, "channel": channel}):
        raise Invalid(*problems)
    settings = _connected(environment, channel, connecting.merged({}, fields.get("settings", {})))
    _check_account(environment, channel, settings)
    return _open(environment, channel, by, {**fields, "settings": settings})


def problems_of_new(environment: Environment, fields: Mapping[str, Any]) -> list[Problem]:
    """Return what ``create`` would refuse before it asks a provider, of those fields that are given."""
    found, kind = _problems(fields), fields.get("channel")
    if kind in channels.REGISTRY:
        found += _problems_of_settings(environment, channels.find(kind), {}, fields.get("settings", {}))
    elif kind is not None:
        found.append(Problem("channel", "unknown_channel", f"channel is one of: {', '.join(channels.REGISTRY)}."))
    return found


def problems_of_change(inbox: Inbox, fields: Mapping[str, Any]) -> list[Problem]:
    """Return what ``update`` would refuse before it asks a provider."""
    found, channel = _problems(fields), channels.find(inbox.channel)
    if "settings" in fields:
        given = connecting.anew(inbox.settings, fields["settings"])
        found += _problems_of_settings(inbox.environment, channel, inbox.settings, given)
    return found


@transaction.atomic
def _open(environment: Environment, channel: str, by: audit.Who, values: Mapping[str, Any]) -> Inbox:
    inbox: Inbox = Inbox.unscoped.create(
        environment=environment, channel=channel, hmac_token=_new_signing_token(), **values
    )  # fmt: skip
    audit.record(environment=environment, who=by, action="inbox.created", target=inbox.public_id)
    health.begin(inbox)
    _have_registered(inbox)
    transaction.on_commit(partial(syncing.begin, inbox), robust=True)
    followers.tell(inbox, by=by)
    return inbox


def update(*, inbox: Inbox, by: audit.Who, fields: Mapping[str, Any]) -> Inbox:
    """
    Change an inbox; ``settings`` are merged key by key, null or an empty text clears one, a masked secret stays.

    Settings are shown to the provider first, those that are the same as before, too: whoever says them again wants to
    know. Raises Invalid, naming every wrong field, NotFound for one that was closed meanwhile.
    """
    if problems := problems_of_change(inbox, fields):
        raise Invalid(*problems)
    values = dict(fields)
    given = connecting.anew(inbox.settings, fields.get("settings", {}))
    if "settings" in fields:
        values["settings"] = _connected(inbox.environment, inbox.channel, connecting.merged(inbox.settings, given))
        _check_account(inbox.environment, inbox.channel, values["settings"], but=inbox)
    return _change(inbox, by, values, given=given)


@transaction.atomic
def _change(inbox: Inbox, by: audit.Who, values: dict[str, Any], *, given: Mapping[str, Any]) -> Inbox:
    seen, inbox = inbox.settings, _locked(inbox)
    if "settings" in values and inbox.settings != seen:  # somebody else's change came first
        if channels.find(inbox.channel).is_carried:  # and nobody has asked the provider about the two of them
            raise Conflict("The settings were changed a moment ago; look at them and try again.", param="settings")
        values["settings"] = connecting.merged(inbox.settings, given)
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if getattr(inbox, name) != value:
            changes[name] = {"from": getattr(inbox, name), "to": value}
            setattr(inbox, name, value)
    if changes:
        inbox.save(update_fields=[*changes, "updated_at"])
        audit.record(
            environment=inbox.environment, who=by, action="inbox.updated",
            target=inbox.public_id, changes=changes,
        )  # fmt: skip
    elif "settings" in values:
        audit.record(environment=inbox.environment, who=by, action="inbox.checked", target=inbox.public_id)
    if "settings" in values:  # lines are locked before health, as by whoever sends
        followers.tell(inbox, by=by)
        _have_registered(inbox)
    return inbox


def check_credentials(*, inbox: Inbox, by: audit.Who) -> None:
    """Ask the provider whether it takes an inbox's credentials; nothing is changed. Raises Invalid with its words."""
    environment = inbox.environment
    audit.record(environment=environment, who=by, action="inbox.checked", target=inbox.public_id)
    _connected(environment, inbox.channel, inbox.settings)


def register_again(*, inbox: Inbox, by: audit.Who) -> InboxHealth:
    """Tell the provider anew where to call us, and return what came of it."""
    with transaction.atomic():
        audit.record(environment=inbox.environment, who=by, action="inbox.registered", target=inbox.public_id)
        is_told = registering.ask_for(inbox)
    if is_told:
        registering.register(inbox.pk)
    found: InboxHealth = InboxHealth.unscoped.get(pk=inbox.pk)
    return found


@transaction.atomic
def rotate_hmac(*, inbox: Inbox, by: audit.Who) -> Inbox:
    """Give the inbox a new signing token; hashes made with the old one are accepted for another 24 hours."""
    inbox.previous_hmac_token = inbox.hmac_token
    inbox.previous_hmac_token_until = timezone.now() + OLD_TOKEN_LIVES
    inbox.hmac_token = _new_signing_token()
    inbox.save(
        update_fields=[
            "previous_hmac_token",
            "previous_hmac_token_until",
            "hmac_token",
            "updated_at",
        ]
    )
    audit.record(environment=inbox.environment, who=by, action="inbox.hmac_rotated", target=inbox.public_id)
    return inbox


@transaction.atomic
def close(*, inbox: Inbox, by: audit.Who) -> None:
    """Take an inbox away: its address stops answering; what was said there stays. Raises NotFound."""
    inbox = _locked(inbox)
    inbox.deleted_at = timezone.now()
    inbox.save(update_fields=["deleted_at", "updated_at"])
    audit.record(environment=inbox.environment, who=by, action="inbox.deleted", target=inbox.public_id)
    followers.tell(inbox, by=by)


def check_identity(inbox: Inbox, *, identifier: str, identifier_hash: str) -> bool:
    """
    Return whether somebody proved to be ``identifier``: True if they did, False if nobody asked for proof.

    The hash is lower-case hex HMAC-SHA256 of the identifier under the inbox's token, compared in constant time.
    Raises SignatureMismatch for a wrong hash, and for a missing one where the inbox insists.
    """
    if not identifier_hash and not inbox.hmac_mandatory:
        return False
    matches = [crypto.same(crypto.hmac_hex(token, identifier), identifier_hash) for token in inbox.signing_tokens]
    if not identifier or not any(matches):
        raise SignatureMismatch
    return True


def _new_signing_token() -> str:
    return ids.new_token(SIGNING_TOKEN_LENGTH)


def _locked(inbox: Inbox) -> Inbox:
    """Return the inbox as it stands now, held until the transaction ends. Raises NotFound for one that was closed."""
    rows = Inbox.of(inbox.environment).select_for_update(no_key=True)
    locked = rows.filter(pk=inbox.pk, deleted_at=None).first()
    if locked is None:
        raise NotFound(f"No such inbox: {inbox.public_id}", param="id")
    locked.environment = inbox.environment
    return locked


def _connected(environment: Environment, channel: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that are whole and that the provider takes. Raises Invalid."""
    connected = connecting.connect(channels.find(channel), settings, environment=environment)
    if connected.problems:
        raise Invalid(*connected.problems)
    return dict(connected.settings)


def _check_account(
    environment: Environment, channel: str, settings: Mapping[str, Any], *, but: Inbox | None = None
) -> None:
    """Refuse an account that another inbox has: its provider would call the last one only. Raises AlreadyConnected."""
    for other in Inbox.of(environment).filter(channel=channel, deleted_at=None):
        if other != but and channels.find(channel).is_same_account(settings, other.settings):
            raise AlreadyConnected(other.public_id, other.name)


def _have_registered(inbox: Inbox) -> None:
    """Have the provider told where to call us once everything is stored; what fails is tried again by the upkeep."""
    if registering.ask_for(inbox):
        transaction.on_commit(partial(registering.register, inbox.pk), robust=True)


def _problems(fields: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong on any channel."""
    try:
        ZoneInfo(fields.get("time_zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [Problem("time_zone", "unknown_time_zone", "time_zone is an IANA name such as Africa/Casablanca.")]
    return []


def _problems_of_settings(
    environment: Environment, channel: Channel, before: Mapping[str, Any], given: Mapping[str, Any]
) -> list[Problem]:
    """Return what is wrong with settings that are given, and what they lack together with those before; each once."""
    found = [*channel.problems(given), *followers.problems(environment, given)]
    wrong = {problem.field for problem in found}
    sound = {name: value for name, value in connecting.merged(before, given).items() if f"settings.{name}" not in wrong}
    together = [*channel.misplaced(given, sound), *channel.lacking(sound)]
    return found + [problem for problem in together if problem.field not in wrong]
