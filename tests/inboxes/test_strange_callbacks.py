"""Callbacks with something wrong anywhere in them: refused as such, or read, and nothing else."""

import json
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxes.channels.instagram import Instagram
from inboxes.channels.line import Line
from inboxes.channels.messenger import Messenger
from inboxes.channels.sms import Sms
from inboxes.channels.telegram import Telegram
from inboxes.channels.whatsapp import Whatsapp
from tests.providers import graph, line, telegram
from tests.providers.words import called, names_of, recorded

CHANNELS = {
    "telegram": (Telegram(), {"bot_token": telegram.TOKEN, "callback_secret": "s"}),
    "line": (Line(), {"channel_access_token": "t", "channel_secret": "s", "bot_user_id": line.ACCOUNT}),
    "vonage": (Sms(), {"provider": "vonage", "api_key": "k", "api_secret": "s", "from": "1", "signature_secret": "s"}),
    **{channel.kind: (channel, graph.SETTINGS[channel.kind]) for channel in (Whatsapp(), Messenger(), Instagram())},
}
STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.just([]), st.just({}),
    st.just([None]), st.just({"id": []}), st.just(10**400),
)  # fmt: skip


def places_of(told: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to everything in JSON."""
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [path, *(place for name, value in inner for place in places_of(value, (*path, name)))]


def texts_of(read: Any) -> list[str]:
    """Return every text of what was read, where there is supposed to be one."""
    own = [getattr(read, field.name) for field in fields(read) if field.type is str]
    held = [getattr(read, field.name) for field in fields(read) if field.type is not str]
    inner = [each for value in held for each in (value if isinstance(value, list | tuple) else [value])]
    return own + [text for each in inner if is_dataclass(each) for text in texts_of(each)]


def put(told: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return JSON with another value at the end of a path."""
    if not path:
        return value
    told[path[0]] = put(told[path[0]], path[1:], value)
    return told


@pytest.mark.parametrize("provider", CHANNELS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_is_strange_is_read_or_refused(provider, data):
    channel, stored = CHANNELS[provider]
    told = json.loads(recorded(provider, data.draw(st.sampled_from(names_of(provider)))))
    told = put(told, data.draw(st.sampled_from(places_of(told))), data.draw(STRANGE))
    callback = called(json.dumps(told).encode(), url="https://dexra.test/x")

    assert channel.recognises(callback, stored) is False  # it is not signed
    assert channel.concerns(callback, stored) in {True, False}
    list(channel.follow_up(callback, stored))
    with suppress(ValueError):
        for read in channel.read(callback, stored):
            assert all(isinstance(text, str) for text in texts_of(read))


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200), header=st.text(max_size=60))
def test_no_bytes_are_anybodys(body, header):
    headers = dict.fromkeys(
        (
            "x-telegram-bot-api-secret-token",
            "x-line-signature",
            "authorization",
            "x-twilio-signature",
            "x-hub-signature-256",
        ),
        header,
    )
    for channel, stored in [*CHANNELS.values(), (Sms(), {"provider": "twilio", "auth_token": "t"})]:
        assert channel.recognises(called(body, headers=headers), {**stored, "callback_secret": "not that"}) is False
