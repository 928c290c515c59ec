"""Bodies on their way in."""

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from dexra.middleware import BodyLimit

WHOLE = b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\nHello\r\n--x--\r\n'


def form(body: bytes, **more: Any) -> WSGIRequest:
    return WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/v1/conversations",
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **more,
        }
    )


def read(request: Any) -> HttpResponse:
    return HttpResponse(request.POST["content"])


class TestForms:
    def test_that_are_whole_are_read_from_their_beginning(self):
        assert BodyLimit(read)(form(WHOLE)).content == b"Hello"

    @pytest.mark.parametrize("kept", [len(WHOLE) - 4, len(WHOLE) // 2, 5], ids=["the last dash", "half", "a line"])
    def test_that_were_cut_off_are_refused(self, kept):
        answer = BodyLimit(read)(form(WHOLE[:kept]))

        assert answer.status_code == 400
        assert b"cut_off" in answer.content

    def test_of_more_than_41_mebibytes_are_refused_unread(self):
        assert BodyLimit(read)(form(WHOLE, CONTENT_LENGTH=str(42 * 1024 * 1024))).status_code == 413
