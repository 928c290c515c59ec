"""What a provider likes to hear after a callback, from the running engine."""

import pytest

from conversations.models import Message
from inbound.engine import InboundEngine
from inbound.models import RawCallback
from tests.engines import in_thread, until
from tests.inbound.callers import Caller, open_carried
from tests.providers import telegram as fake
from tests.providers.server import answer

pytestmark = pytest.mark.django_db(transaction=True)
PRESSED = "4382bfdwdsb323b2d9"


@pytest.fixture
def provider(settings):
    with fake.Telegram() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": running.base}
        yield running


def asked(provider):
    return [each for each in provider.requests if each.path.endswith("/answerCallbackQuery")]


def test_telegram_hears_that_a_button_was_pressed(live, provider):
    telegram = Caller(open_carried(live, "telegram"))
    with in_thread(InboundEngine()):
        telegram.plays("button")
        until(lambda: provider.answered)

    assert provider.answered == [PRESSED]
    assert Message.unscoped.get().type == "button"


def test_words_are_not_answered_so(live, provider):
    telegram = Caller(open_carried(live, "telegram"))
    with in_thread(InboundEngine()):
        telegram.plays("text")
        telegram.plays("button")
        until(lambda: provider.answered)

    assert len(asked(provider)) == 1


def test_the_sandbox_presses_in_silence(sandbox, provider, engine):
    Caller(open_carried(sandbox, "telegram")).plays("button")
    engine.drain()

    assert RawCallback.unscoped.get().state == "done"
    assert not provider.requests


def test_a_button_that_was_answered_too_late_is_done_all_the_same(live, provider):
    provider.keeps_meeting(answer(400, b'{"ok":false,"error_code":400,"description":"Bad Request: query is too old"}'))
    telegram = Caller(open_carried(live, "telegram"))
    with in_thread(InboundEngine()):
        telegram.plays("button")
        until(lambda: asked(provider))

    assert RawCallback.unscoped.get().state == "done"
