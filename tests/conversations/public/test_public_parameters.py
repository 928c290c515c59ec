"""How requests are read: the way Rails reads them."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from conversations.api.public import parameters
from core.errors import DomainError, Invalid

BAD_REQUEST = {"status": 400, "error": "Bad Request"}
FORM = "application/x-www-form-urlencoded"


def read(body="", kind="application/json", query="", method="POST"):
    return parameters.read(RequestFactory().generic(method, f"/?{query}", body, content_type=kind))


def whole(read_parameters):
    return dict(read_parameters._values)


class TestForms:
    @pytest.mark.parametrize(
        ("form", "values"),
        [
            ("a=1&b=", {"a": "1", "b": ""}),
            ("a", {"a": ""}),
            ("a=1&a=2", {"a": "2"}),
            ("a%5Bb%5D=1", {"a": {"b": "1"}}),
            ("a[b][c]=1&a[b][d]=2&a[e]=3", {"a": {"b": {"c": "1", "d": "2"}, "e": "3"}}),
            ("a[]=1&a[]=2", {"a": ["1", "2"]}),
            ("a[][t]=x&a[][v]=1&a[][t]=y", {"a": [{"t": "x", "v": "1"}, {"t": "y"}]}),
            ("a[][b][c]=1&a[][b][d]=2", {"a": [{"b": {"c": "1"}}, {"b": {"d": "2"}}]}),
            ("a=1&a[b]=2", {"a": {"b": "2"}}),
            ("a[b]=1&a[]=2", {"a": ["2"]}),
            ("a[b=1", {"a": {"b": "1"}}),
            ("=1", {"": "1"}),
            ("a=%FF", {"a": "\ufffd"}),
            ("a=%ED%A0%80", {"a": "\ufffd\ufffd\ufffd"}),
            ("%", {"%": ""}),
        ],
    )
    def test_nest_names_in_brackets(self, form, values):
        assert whole(read(form, FORM)) == values
        assert whole(read(query=form)) == values

    @pytest.mark.parametrize("form", ["a" + "[b]" * 40 + "=1", "&".join(f"a{n}=1" for n in range(1001))])
    def test_are_refused_beyond_reason(self, form):
        with pytest.raises(DomainError):
            read(form, FORM)

    def test_bring_files(self):
        upload = SimpleUploadedFile("a.png", b"x", "image/png")
        request = RequestFactory().post(
            "/", {"content": "Hi", "custom_attributes[plan]": "pro", "attachments[]": upload}
        )

        said = parameters.read(request)

        assert (said.text("content"), said.object("custom_attributes")) == ("Hi", {"plan": "pro"})
        assert [file.name for file in said.files] == ["a.png"]


class TestJSON:
    def test_is_one_set_of_names_with_the_query_which_wins(self):
        assert whole(read('{"a":1,"b":2}', query="b=3")) == {"a": 1, "b": "3"}

    @pytest.mark.parametrize("body", ["", "[]", "[1]", "1", '"text"', "null", "true"])
    def test_that_is_no_object_says_nothing(self, body):
        assert whole(read(body)) == {}

    @pytest.mark.parametrize("kind", ["text/plain", "text/plain;charset=UTF-8", "application/octet-stream", "", "???"])
    def test_sent_as_something_else_says_nothing(self, kind):
        assert whole(read('{"a":1}', kind)) == {}

    @pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-16", "APPLICATION/JSON"])
    def test_is_utf_8_whatever_the_charset_says(self, kind):
        assert whole(read('\ufeff{"a":"é"}'.encode(), kind)) == {"a": "é"}

    @pytest.mark.parametrize(
        "body",
        [b"{", b"{'a':1}", b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e999}', b'{"a":' + b"9" * 5000 + b"}", b"\xff",
         b'{"a":"\x00"}', b'{"a":"\xed\xa0\x80"}', b"[" * 100_000, b'{"a":' * 101 + b"1" + b"}" * 101],
        ids=["cut", "quotes", "nan", "infinity", "huge", "long", "not utf-8", "nul", "surrogate", "deep", "101 deep"],
    )  # fmt: skip
    def test_that_is_malformed_answers_400_in_json(self, browser, body):
        answer = browser.web.post(browser.root + "/contacts", body, content_type="application/json")

        assert (answer.status_code, answer.json()) == (400, BAD_REQUEST)
        assert answer["Content-Type"] == "application/json; charset=utf-8"

    def test_may_be_nested_a_hundred_deep(self):
        body = '{"a":' * 100 + "1" + "}" * 100

        assert json.dumps(whole(read(body)), separators=(",", ":")) == body

    def test_has_half_emoji_mended_in_names_and_values(self):
        assert whole(read('{"a\\ud83d":["\\ude00","\\ud83d\\ude00"]}')) == {"a\ufffd": ["\ufffd", "😀"]}


class TestText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [("a", "a"), ("", ""), (1, "1"), (1.5, "1.5"), (True, "true"), (False, "false"),
         (None, None), ({}, None), ([], None), (["a"], None), ({"a": 1}, None)],
    )  # fmt: skip
    def test_is_any_scalar(self, value, text):
        assert parameters.Parameters({"name": value}).text("name") == text

    def test_is_absent_where_it_was_not_said(self):
        assert parameters.Parameters({}).text("name") is None

    def test_refuses_a_nul_by_name(self):
        with pytest.raises(Invalid) as refused:
            parameters.Parameters({"name": "a\x00"}).text("name")

        assert refused.value.problems[0].field == "name"


class TestObject:
    @pytest.mark.parametrize("value", ["a", 1, None, [], [{"a": 1}]])
    def test_is_nothing_but_an_object(self, value):
        assert parameters.Parameters({"name": value}).object("name") is None

    @pytest.mark.parametrize("value", [{"a\x00": 1}, {"a": "\x00"}, {"a": [{"b": "\x00"}]}])
    def test_refuses_a_nul_anywhere(self, value):
        with pytest.raises(Invalid):
            parameters.Parameters({"name": value}).object("name")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_broken_multipart_body_is_refused_or_empty(browser, me, kind, method):
    path = browser.root + ("/contacts" if method == "POST" else me)

    answer = browser.web.generic(method, path, b"--x\r\nnonsense", content_type=kind)

    assert answer.status_code in {200, 400}
