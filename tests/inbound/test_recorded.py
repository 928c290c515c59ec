"""Every recorded callback of every provider, through the real door, signed, handled, and told once more."""

import pytest

from conversations.models import Message
from inbound.models import RawCallback
from tests.inbound.callers import PROVIDERS, Caller, open_carried
from tests.providers.words import names_of

EVERY = [(provider, name) for provider in PROVIDERS for name in names_of(provider)]
# Recorded to be refused: they are about another account than the inbox's.
OTHERS = {("messenger", "elsewhere"), ("instagram", "elsewhere"), ("whatsapp", "elsewhere")}


@pytest.mark.parametrize(("provider", "name"), EVERY)
def test_a_recorded_callback_is_taken_and_heeded_once(sandbox, engine, provider, name):
    caller = Caller(open_carried(sandbox, provider), provider)

    first = caller.plays(name)
    engine.drain()
    said = Message.of(sandbox).count()
    second = caller.plays(name)
    engine.drain()

    states = set(RawCallback.of(sandbox).values_list("state", "error"))
    is_ours = (provider, name) not in OTHERS
    assert [first.status_code, second.status_code] == [200 if is_ours else 403] * 2
    assert RawCallback.of(sandbox).count() == (2 if is_ours else 0)
    assert not {error for state, error in states if state == "failed"}
    assert Message.of(sandbox).count() == said
