"""A defect of ours in the middle of a call: told to operators, with no secret in it, and the message is in doubt."""

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from inboxes.channels.outcomes import Uncertain
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply
from inboxes.channels.telegram import Telegram
from inboxes.transport import http
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT
from outbound import policy
from tests.ports import free_port
from tests.providers.server import Provider, answer_json
from tests.providers.words import outgoing

TOKEN = "123456:AAH-secret-token-of-a-bot"
WORDS = "what somebody wrote"


@pytest.fixture
def provider(settings):
    with Provider() as running:
        settings.PROVIDER_BASES = dict.fromkeys(settings.PROVIDER_BASES, running.base)
        yield running


def order(**fields):
    return HttpOrder(**{"provider": "telegram", "path": f"/bot{TOKEN}/sendMessage", "json": {"text": WORDS}, **fields})


def exchanged(one):
    async def run():
        exchange = http.Exchange()
        try:
            return await exchange.exchange(one, livemode=True)
        finally:
            await exchange.close()

    return asyncio.run(run())


def counted(place):
    return REGISTRY.get_sample_value("dexra_provider_call_faults_total", {"place": place}) or 0.0


def asked(one):
    return http.ask(one, livemode=True)


@pytest.mark.parametrize("call", [exchanged, asked])
def test_a_defect_is_logged_where_it_is_and_counted(provider, call):
    before = counted("http")
    with capture_logs() as lines:
        found = call(order(json={WORDS: object()}))  # nobody can write that as JSON

    assert (found.kind, counted("http")) == (AMBIGUOUS, before + 1)
    [line] = lines
    assert (line["event"], line["log_level"]) == ("provider_call_broke", "error")
    assert 'File "' in line["exception"]
    assert "wire.py" in line["exception"]
    assert line["exception"].endswith("builtins.TypeError")
    assert not [secret for secret in (TOKEN, WORDS) if secret in str(line)]


def test_a_defect_after_the_request_began_to_leave_is_one_too(provider, monkeypatch):
    def trip(*_):
        raise KeyError(WORDS)

    monkeypatch.setattr(http, "_reply", trip)
    provider.meets(answer_json({}))
    with capture_logs() as lines:
        assert exchanged(order()).kind == AMBIGUOUS

    assert len(lines) == len(provider.requests) == 1
    assert WORDS not in str(lines)


@pytest.mark.parametrize("call", [exchanged, asked])
def test_what_providers_and_networks_do_is_no_defect(settings, call):
    settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": f"http://127.0.0.1:{free_port()}"}
    with capture_logs() as lines:
        found = [call(each) for each in (order(), order(url="http://[::1"), order(url="gopher://x/"))]

    assert [each.kind for each in found] == [NOT_SENT] * 3
    assert lines == []


def test_an_answer_that_a_channel_trips_over_leaves_the_message_in_doubt():
    class Tripping(Telegram):
        def judge(self, reply: Reply, message: Outgoing):
            raise KeyError(WORDS)

    before = counted("answer")
    with capture_logs() as lines:
        outcome = policy.outcome_of(Tripping(), outgoing("42"), Reply(200, WORDS.encode(), {}))

    assert isinstance(outcome, Uncertain)
    assert counted("answer") == before + 1
    assert lines[0]["channel"] == "telegram"
    assert "in judge" in lines[0]["exception"]
    assert WORDS not in str(lines)
