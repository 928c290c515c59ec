"""What operators may do to inboxes."""

from typing import Any

from django.http import HttpRequest

from accounts.admin.who import operator
from core.operations import Operation, Outcome
from inboxes import channels
from inboxes.admin import forms
from inboxes.models import Inbox, InboxHealth
from inboxes.services import inboxes

Values = dict[str, Any]


def _rotate(request: HttpRequest, inbox: Inbox, _values: Values) -> Outcome:
    inboxes.rotate_hmac(inbox=inbox, by=operator(request))
    return Outcome("The inbox has a new signing token; hashes made with the old one are accepted for 24 hours.")


def _close(request: HttpRequest, inbox: Inbox, _values: Values) -> Outcome:
    inboxes.close(inbox=inbox, by=operator(request))
    return Outcome(f"{inbox} is closed.")


def _change_settings(request: HttpRequest, inbox: Inbox, values: Values) -> Outcome:
    given = forms.changes_of(inbox.channel, values)
    inboxes.update(inbox=inbox, by=operator(request), fields={"settings": given})
    return Outcome("The settings are changed.")


def _check(request: HttpRequest, inbox: Inbox, _values: Values) -> Outcome:
    inboxes.check_credentials(inbox=inbox, by=operator(request))
    return Outcome("The provider takes the credentials.")


def _register(request: HttpRequest, inbox: Inbox, _values: Values) -> Outcome:
    health = inboxes.register_again(inbox=inbox, by=operator(request))
    if health.callback_state == InboxHealth.CallbackState.REGISTERED:
        return Outcome("The provider knows where to call.")
    return Outcome(f"The provider was not told: {health.callback_detail or 'it is entered in its console'}.")


def _is_open(inbox: Inbox) -> bool:
    return inbox.deleted_at is None


def _is_spoken(inbox: Inbox) -> bool:
    return _is_open(inbox) and inbox.channel in channels.REGISTRY


def _is_carried(inbox: Inbox) -> bool:
    channel = channels.REGISTRY.get(inbox.channel)
    return _is_open(inbox) and channel is not None and channel.is_carried


def _is_checkable(inbox: Inbox) -> bool:
    return _is_carried(inbox) and inbox.environment.livemode


def _is_registrable(inbox: Inbox) -> bool:
    return _is_checkable(inbox) and channels.find(inbox.channel).has_callback


ON_INBOX = (
    Operation(
        "change-settings", "Change the settings", _change_settings, is_offered=_is_spoken,
        form=forms.ChannelSettings, initial=lambda inbox: forms.initial_of(inbox.channel, inbox.settings),
        explains="A provider is asked first whether they work, and told anew where to call us. What is refused "
        "changes nothing.",
    ),
    Operation(
        "check", "Check the credentials", _check, is_offered=_is_checkable,
        explains="The provider is asked whether it takes them. Nothing is sent to anybody, and nothing is changed.",
    ),
    Operation(
        "register", "Register the callback again", _register, is_offered=_is_registrable,
        explains="The provider is told where to call us, where it can be told by us. Whatever it was told before is "
        "replaced.",
    ),
    Operation(
        "rotate-hmac", "Rotate the HMAC token", _rotate, is_offered=_is_open,
        explains="The customer's servers sign identities with this token; they have 24 hours to take the new "
        "one, which they read from the API. It is not shown here.",
    ),
    Operation(
        "close", "Close", _close, is_offered=_is_open, is_grave=True,
        explains="Its address stops answering, for everybody and for good. What was said there stays.",
    ),
)  # fmt: skip
