"""The words of the cable: what clients say, and the exact bytes they are answered with."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import transport
from realtime.cable import frames, presence, protocol
from realtime.cable.protocol import Attendee, Command, Credentials, HistoryRequest
from realtime.errors import Malformed
from realtime.transport import Envelope, Position

IDENTIFIER = '{"channel":"RoomChannel","pubsub_token":"abc"}'
ECHOED = r'"{\"channel\":\"RoomChannel\",\"pubsub_token\":\"abc\"}"'


class TestNegotiate:
    @pytest.mark.parametrize(
        ("offered", "chosen"),
        [
            pytest.param(["actioncable-v1-json", "actioncable-unsupported"], "actioncable-v1-json", id="rails"),
            pytest.param(["actioncable-v1-ext-json"], "actioncable-v1-ext-json", id="anycable"),
            pytest.param(
                ["actioncable-v1-json", "actioncable-v1-ext-json"], "actioncable-v1-json", id="client's order"
            ),
            pytest.param(["actioncable-unsupported"], "actioncable-unsupported", id="unsupported alone"),
            pytest.param(
                ["graphql-ws", "actioncable-v1-json"], "actioncable-v1-json", id="unknown ones are passed over"
            ),
            pytest.param(
                ["actioncable-v1-ext-json", "anycable-token.s3"], "actioncable-v1-ext-json", id="with a token"
            ),
            pytest.param(["anycable-token.s3"], None, id="a token is never echoed"),
            pytest.param([], None, id="none offered"),
        ],
    )
    def test_takes_the_first_known_one(self, offered, chosen):
        assert protocol.negotiate(offered) == chosen


class TestParse:
    def test_reads_a_subscription_with_everything(self):
        text = json.dumps(
            {
                "command": "subscribe",
                "identifier": IDENTIFIER,
                "history": {"since": 1795204448, "streams": {"s:1": {"epoch": "e1", "offset": 3}, "s:2": "?"}},
                "presence": {"id": "u1", "info": {"n": "A"}},
            }
        )

        assert protocol.parse(text) == Command(
            "subscribe",
            IDENTIFIER,
            history=HistoryRequest(since=1795204448.0, positions={"s:1": Position("e1", 3)}),
            attendee=Attendee("u1", {"n": "A"}),
        )

    @pytest.mark.parametrize("name", ["ping", "pong"])
    def test_needs_no_identifier_for_heartbeats(self, name):
        assert protocol.parse(f'{{"command":"{name}"}}') == Command(name, "")

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            pytest.param("", "not_json", id="nothing"),
            pytest.param("{", "not_json", id="cut off"),
            pytest.param("[" * 60_000, "not_json", id="too deep"),
            pytest.param("9" * 60_000, "not_json", id="too long a number"),
            pytest.param("[]", "not_an_object", id="a list"),
            pytest.param('"subscribe"', "not_an_object", id="a word"),
            pytest.param("{}", "unknown_command", id="no command"),
            pytest.param('{"command":["subscribe"]}', "unknown_command", id="a list as command"),
            pytest.param('{"command":"explode","identifier":"x"}', "unknown_command", id="unknown"),
            pytest.param('{"command":"subscribe"}', "no_identifier", id="no identifier"),
            pytest.param('{"command":"subscribe","identifier":{}}', "no_identifier", id="identifier not text"),
            pytest.param(
                json.dumps({"command": "subscribe", "identifier": "x" * 3000}),
                "no_identifier",
                id="identifier too long",
            ),
        ],
    )
    def test_refuses_what_is_not_the_protocol(self, text, kind):
        with pytest.raises(Malformed) as refusal:
            protocol.parse(text)

        assert refusal.value.kind == kind

    @pytest.mark.parametrize(
        "asked", [None, 7, "x", [], {"since": "soon", "streams": 3}, {"since": True}, {"since": 1e300}]
    )
    def test_takes_no_harm_from_a_strange_history(self, asked):
        command = protocol.parse(json.dumps({"command": "history", "identifier": IDENTIFIER, "history": asked}))

        assert command.history in (None, HistoryRequest(None, {}))

    @given(st.text())
    @settings(max_examples=300)
    def test_raises_nothing_else_whatever_comes(self, text):
        try:
            command = protocol.parse(text)
        except Malformed:
            return
        protocol.credentials(command.identifier)

    @pytest.mark.slow
    @given(
        st.dictionaries(
            st.sampled_from(["command", "identifier", "data", "history", "presence", "since", "streams"]),
            st.recursive(
                st.none()
                | st.booleans()
                | st.floats()
                | st.integers()
                | st.sampled_from([*protocol.COMMANDS, IDENTIFIER]),
                lambda inner: (
                    st.lists(inner) | st.dictionaries(st.sampled_from(["since", "streams", "id", "s:1"]), inner)
                ),
            ),
        )
    )
    @settings(max_examples=300)
    def test_raises_nothing_else_for_what_looks_like_a_command(self, frame):
        try:
            command = protocol.parse(json.dumps(frame))
        except Malformed:
            return
        assert command.name in protocol.COMMANDS


class TestCredentials:
    @pytest.mark.parametrize(
        ("said", "understood"),
        [
            pytest.param({"pubsub_token": "abc"}, Credentials("abc"), id="contact"),
            pytest.param({"pubsub_token": "abc", "user_id": None}, Credentials("abc"), id="no user"),
            pytest.param({"pubsub_token": "abc", "user_id": "", "account_id": 3}, Credentials("abc"), id="blank user"),
            pytest.param({"pubsub_token": "abc", "account_id": 3, "user_id": 7}, Credentials("abc", 3, 7), id="agent"),
            pytest.param(
                {"user_id": "7", "account_id": "3", "pubsub_token": "abc"}, Credentials("abc", 3, 7), id="as text"
            ),
            pytest.param({"pubsub_token": "abc", "user_id": 7}, None, id="user without account"),
            pytest.param({"pubsub_token": "abc", "account_id": 3, "user_id": "7 or 1=1"}, None, id="not a number"),
            pytest.param({"pubsub_token": "abc", "account_id": 3, "user_id": True}, None, id="a boolean"),
            pytest.param({"pubsub_token": "abc", "account_id": 2**63, "user_id": 1}, None, id="too large"),
            pytest.param({"pubsub_token": ""}, None, id="empty token"),
            pytest.param({"pubsub_token": ["abc"]}, None, id="token not text"),
            pytest.param({"pubsub_token": "a\0b"}, None, id="token PostgreSQL would choke on"),
            pytest.param({"pubsub_token": "ä"}, None, id="token not ASCII"),
            pytest.param({}, None, id="no token"),
        ],
    )
    def test_says_who_subscribes(self, said, understood):
        assert protocol.credentials(json.dumps({"channel": "RoomChannel", **said})) == understood

    @pytest.mark.parametrize("identifier", ['{"channel":"Other","pubsub_token":"abc"}', "[]", "x", "", "[" * 2000])
    def test_knows_no_other_channel(self, identifier):
        assert protocol.credentials(identifier) is None


class TestAction:
    @pytest.mark.parametrize(
        ("data", "name"),
        [
            pytest.param('{"action":"update_presence"}', "update_presence", id="text, as Action Cable says it"),
            pytest.param({"action": "update_presence"}, "update_presence", id="object, as Flutter says it"),
            pytest.param("{}", "receive", id="Rails' default"),
            pytest.param('{"action":{}}', "", id="not a name"),
            pytest.param("nonsense", "", id="not JSON"),
            pytest.param(None, "", id="nothing"),
            pytest.param([1], "", id="a list"),
        ],
    )
    def test_is_read_from_text_and_from_objects(self, data, name):
        assert protocol.action(data) == name


class TestFrames:
    @pytest.mark.parametrize(
        ("frame", "golden"),
        [
            (frames.WELCOME, '{"type":"welcome"}'),
            (frames.welcome("77"), '{"type":"welcome","sid":"77"}'),
            (
                frames.welcome("1e", [IDENTIFIER]),
                f'{{"type":"welcome","sid":"1e","restored":true,"restored_ids":[{ECHOED}]}}',
            ),
            (frames.ping(1795204688), '{"type":"ping","message":1795204688}'),
            (frames.PONG, '{"type":"pong"}'),
            (frames.confirm(IDENTIFIER), f'{{"identifier":{ECHOED},"type":"confirm_subscription"}}'),
            (frames.reject(IDENTIFIER), f'{{"identifier":{ECHOED},"type":"reject_subscription"}}'),
            (frames.confirm_history(IDENTIFIER), f'{{"type":"confirm_history","identifier":{ECHOED}}}'),
            (frames.reject_history(IDENTIFIER), f'{{"type":"reject_history","identifier":{ECHOED}}}'),
            (
                frames.disconnect("server_restart", reconnect=True),
                '{"type":"disconnect","reason":"server_restart","reconnect":true}',
            ),
            (
                frames.disconnect("unauthorized", reconnect=False),
                '{"type":"disconnect","reason":"unauthorized","reconnect":false}',
            ),
            (
                frames.message_head(IDENTIFIER) + '{"event":"x"}' + "}",
                f'{{"identifier":{ECHOED},"message":{{"event":"x"}}}}',
            ),
            (
                frames.message_head(IDENTIFIER) + '{"event":"x"}' + frames.position_tail("s:1", "e1", 4),
                f'{{"identifier":{ECHOED},"message":{{"event":"x"}},"stream_id":"s:1","epoch":"e1","offset":4}}',
            ),
            (
                frames.presence_head(IDENTIFIER) + presence.joined("u1", '{"n":"A"}') + "}",
                f'{{"type":"presence","identifier":{ECHOED},"message":{{"type":"join","id":"u1","info":{{"n":"A"}}}}}}',
            ),
            (presence.left("u1"), '{"type":"leave","id":"u1"}'),
            (
                presence.records({"u1": '{"n":"A"}'}, with_records=True),
                '{"type":"info","total":1,"records":[{"id":"u1","info":{"n":"A"}}]}',
            ),
            (presence.records({"u1": "1"}, with_records=False), '{"type":"info","total":1}'),
            (
                presence.for_agents(1, {"7": "online", "9": "busy"}, {"17": "online"}),
                '{"event":"presence.update","data":{"account_id":1,"users":{"7":"online","9":"busy"},"contacts":{"17":"online"}}}',
            ),
            (
                presence.for_contacts(1, {"7": "online"}),
                '{"event":"presence.update","data":{"account_id":1,"users":{"7":"online"}}}',
            ),
        ],
    )
    def test_are_byte_for_byte(self, frame, golden):
        assert frame == golden

    @pytest.mark.parametrize("identifier", ["é and 😀", 'q"\\/\n\t', "\ud800 alone", "</script>"])
    def test_echo_any_identifier(self, identifier):
        frame = frames.confirm(identifier)

        assert json.loads(frame)["identifier"] == identifier
        frame.encode()


class TestEnvelopes:
    def test_carry_a_transient_publication_through_redis(self):
        sealed = transport.seal(b'{"a":\n1}', now_ms=5, kind="whisper", skip="s:1")

        assert transport.unseal(sealed) == Envelope("-", 0, 5, b'{"a":\n1}', "whisper", "s:1")
        assert transport.unseal(sealed).is_transient

    def test_carry_what_the_script_wrote(self):
        assert transport.unseal(b"e1 12 1795204688000\n{}") == Envelope("e1", 12, 1795204688000, b"{}")

    @given(st.binary())
    def test_refuse_anything_else_with_one_error(self, sealed):
        try:
            transport.unseal(sealed)
        except ValueError:
            return
