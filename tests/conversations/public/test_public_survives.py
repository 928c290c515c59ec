"""Nothing that a client can send is answered with a 5xx: ten thousand generated calls."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from conversations.services import messages
from conversations.services.messages import Author, Draft
from inboxes.models import Inbox
from tests.conversations.public.conftest import signed

SEEDS = (20261120, 20261121, 20261122, 20261123)
CALLS = 2_500  # of each seed
CALLS_AT_ONCE = 20

NASTY = st.sampled_from(
    ["", "0", "1", "-1", "on", "off", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "😀", "é", "../..", "a/b", "a.json",
     "%", "%zz", "9" * 30, "1e999", "NaN", "' OR 1=1 --", "<script>", "\r\nSet-Cookie: a=b", "x" * 300,
     "amine@example.test", "+212600000001", "user-42", "user-43", "null", "[]", "undefined", "\u202e", "\ufeff", " "]
)  # fmt: skip
TEXT = st.one_of(NASTY, st.text(max_size=20))
SCALAR = st.one_of(
    TEXT, st.none(), st.booleans(), st.integers(), st.just(10**40), st.just(-(2**63) - 1), st.floats(allow_nan=False)
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
NAME = st.one_of(
    st.sampled_from(
        ["name", "email", "phone_number", "avatar_url", "source_id", "identifier", "identifier_hash", "echo_id",
         "custom_attributes", "content", "attachments", "typing_status", "before", "after", "submitted_values",
         "message", "rating"]
    ),
    TEXT,
)  # fmt: skip
FORM_NAME = st.one_of(
    NAME,
    st.sampled_from(
        ["custom_attributes[plan]", "custom_attributes[]", "custom_attributes[a][b][]", "submitted_values[][title]",
         "submitted_values[csat_survey_response][rating]", "message[submitted_values][csat_survey_response][rating]",
         "attachments[]", "a[[[", "]", "[", "[]", "[]a", "a[" * 50, "content[", "name[]"]
    ),
)  # fmt: skip
OBJECT = st.dictionaries(NAME, VALUE, max_size=5)
SURVEY = st.fixed_dictionaries(
    {"csat_survey_response": st.dictionaries(st.sampled_from(["rating", "feedback_message"]), SCALAR)}
)
BODY_OBJECT = st.one_of(
    OBJECT,
    st.fixed_dictionaries({"submitted_values": st.one_of(SURVEY, VALUE)}),
    st.fixed_dictionaries({"message": st.fixed_dictionaries({"submitted_values": SURVEY})}),
    st.fixed_dictionaries({"content": TEXT, "echo_id": SCALAR}),
    st.fixed_dictionaries({"custom_attributes": VALUE, "email": TEXT}),
)
ODD_METHOD = st.sampled_from(["PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY", "GET", "POST", "PATCH"])
KIND = st.sampled_from(
    ["application/json", "application/json; charset=utf-16", "application/json;charset=ascii", "text/plain", "", "x",
     "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=latin1",
     "multipart/form-data; boundary=b", "multipart/form-data", "multipart/form-data; boundary=" + "b" * 300,
     "multipart/form-data; boundary=b; charset=cp1252", "multipart/mixed; boundary=b", "\xff/\xff"]
)  # fmt: skip
BROKEN = st.sampled_from(
    [b"", b"{", b"[" * 5000, b'{"a":' * 200 + b"1" + b"}" * 200, b"\xff\xfe\x00", b'"\\ud800"', b"null", b"9" * 5000,
     b'{"content":"\\u0000"}', b'{"a\\u0000":1}', b'{"custom_attributes":{"\\u0000":"\\ud800"}}', b'{"name":NaN}',
     b'{"custom_attributes":{"a":1e400}}', b'{"custom_attributes":{"a":' + b"9" * 4000 + b"}}", b"%00=%00", b"a=%ff&%",
     b"content=" + b"%F0%9F%98", b"--b\r\n\r\n", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"]
)  # fmt: skip


def multipart(fields: dict[str, str], file: tuple[str, str, bytes] | None) -> bytes:
    """Return a multipart body with the boundary ``b``."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    raw = "".join(parts).encode("utf-8", "surrogatepass")
    if file is not None:
        name, kind, content = file
        head = f'--b\r\nContent-Disposition: form-data; name="attachments[]"; filename="{name}"\r\n'
        head += f"Content-Type: {kind}\r\n\r\n"
        raw += head.encode("utf-8", "surrogatepass") + content + b"\r\n"
    return raw + b"--b--\r\n"


def says(body: Any, kind: str) -> Any:
    """Return bodies with the content type they really have, and now and then with another one."""
    return st.tuples(body, st.one_of(st.just(kind), st.just(kind), KIND))


FILE = st.one_of(st.none(), st.tuples(TEXT, TEXT, st.binary(max_size=30)))
FORM = st.lists(st.tuples(FORM_NAME, TEXT), max_size=5).map(lambda pairs: urlencode(pairs, errors="surrogatepass"))
BODY = st.one_of(
    says(BODY_OBJECT.map(lambda value: json.dumps(value).encode()), "application/json"),
    says(BODY_OBJECT.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
         "application/json"),
    says(FORM.map(str.encode), "application/x-www-form-urlencoded"),
    says(st.builds(multipart, st.dictionaries(FORM_NAME, TEXT, max_size=4), FILE), "multipart/form-data; boundary=b"),
    says(BROKEN, "application/json"),
)  # fmt: skip
QUERY = st.one_of(
    st.just(""),
    FORM,
    st.sampled_from(
        ["%", "%ff=%ff", "a[b=1", "&&&", "=", "before=%00", "after=%ED%A0%80", "typing_status=on", "a=" + "b" * 9000]
    ),
)
SEGMENT = st.one_of(
    TEXT.map(lambda text: quote(text, safe="", errors="surrogatepass")), st.sampled_from(["%00", "%ff", "%", ".."])
)
API = "/public/api/v1"
PERSON = API + "/inboxes/{inbox}/contacts/{source}"
TALK = PERSON + "/conversations/{number}"
# The paths, each with the method it is made for.
PATHS = st.sampled_from(
    [("GET", API + "/inboxes/{inbox}"), ("POST", API + "/inboxes/{inbox}/contacts"), ("GET", PERSON), ("PATCH", PERSON),
     ("GET", PERSON + "/conversations"), ("POST", PERSON + "/conversations"), ("GET", TALK),
     ("GET", TALK + "/messages"), ("POST", TALK + "/messages"), ("PATCH", TALK + "/messages/{message}"),
     ("POST", TALK + "/toggle_status"), ("POST", TALK + "/toggle_typing"), ("POST", TALK + "/update_last_seen"),
     ("GET", API + "/csat_survey/{uuid}"), ("PATCH", API + "/csat_survey/{uuid}"),
     ("GET", "/survey/responses/{uuid}"), ("POST", "/survey/responses/{uuid}"),
     ("GET", API + "/{stray}"), ("GET", "/files/{stray}")]
)  # fmt: skip
END = st.sampled_from(["", "", "", "", "", "/", ".json", "//", "/x"])
ONE_IN_TEN = st.integers(0, 9).map(lambda number: number == 0)


@pytest.fixture
def places(inbox, session, conversation, ada) -> dict[str, list[str]]:
    """What can stand in each place of a path, so that most calls get somewhere."""
    Inbox.unscoped.filter(pk=inbox.pk).update(csat_survey_enabled=True, greeting_enabled=True, greeting_message="Hi")
    question = messages.send(
        conversation=conversation, author=Author("agent", ada), draft=Draft("?", content_type="input_csat")
    )
    return {
        "inbox": [inbox.identifier],
        "source": [*[session.source_id] * 6, "fuzz-1", "a@b.test"],
        "number": ["1", "1", "1", "1", "2"],
        "message": [str(question.pk)],
        "uuid": [str(conversation.uuid)],
        "stray": ["x"],
    }


def draw_call(draw: Any, places: dict[str, list[str]]) -> tuple[str, str, bytes, str]:
    """Return a method, a path with its query, a body and its content type; most of them fit together."""
    method, template = draw(PATHS)
    if draw(ONE_IN_TEN):
        method = draw(ODD_METHOD)
    named = {name: draw(SEGMENT if draw(ONE_IN_TEN) else st.sampled_from(known))
             for name, known in places.items() if f"{{{name}}}" in template}  # fmt: skip
    body, kind = (b"", "") if method == "GET" else draw(BODY)
    return method, f"{template.format(**named)}{draw(END)}?{draw(QUERY)}", body, kind


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS)
def test_no_call_is_answered_with_a_5xx(transactional_db, client, inbox, places, tmp_path, settings, first) -> None:
    settings.RATE_LIMITS = False
    settings.MEDIA_ROOT = tmp_path
    pair = signed(inbox, "user-42")
    met: dict[int, int] = {}

    def call(draw: Any) -> None:
        method, path, body, kind = draw_call(draw, places)
        if draw(ONE_IN_TEN):
            body, kind = json.dumps(pair | {"email": draw(TEXT)}).encode(), "application/json"
        answer = client.generic(method, path, body, content_type=kind)
        if answer.streaming:
            b"".join(answer.streaming_content)
        met[answer.status_code] = met.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (method, path, kind, body)
        if path.startswith("/public/") and answer.status_code >= 400:
            assert answer["Access-Control-Allow-Origin"] == "*"
            assert method == "HEAD" or answer.json()

    run_generated(first, call)

    assert sum(met.values()) >= CALLS
    assert met[200] > CALLS / 4, met  # enough of them got somewhere


def run_generated(first: int, call: Any) -> None:
    """Make ``CALLS`` calls, ``CALLS_AT_ONCE`` from each generated example, the same ones every time."""

    @seed(first)
    @settings(
        max_examples=CALLS // CALLS_AT_ONCE,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def generated(data: Any) -> None:
        for _ in range(CALLS_AT_ONCE):
            call(data.draw)

    generated()
