"""The port is checked before anything is started on it."""

import socket

import pytest

from dexra import listening
from tests.ports import free_port


@pytest.mark.parametrize(("text", "port"), [("8000", 8000), ("1", 1), ("65535", 65535), ("", 8000)])
def test_reads_a_port(monkeypatch, text, port):
    monkeypatch.setenv("PORT", text)

    assert listening.wanted_port() == port


@pytest.mark.parametrize("text", ["0", "65536", "eighty", "-1", "٨", "1" * 5000, "80 "])
def test_refuses_what_is_no_port(monkeypatch, text):
    monkeypatch.setenv("PORT", text)

    with pytest.raises(listening.Unusable, match="is not a port"):
        listening.wanted_port()


def test_refuses_a_port_that_is_taken_and_names_the_way_out():
    with socket.socket() as taken:
        taken.bind((listening.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(listening.Unusable, match=f"port {port} cannot be used .* PORT={port + 1}"):
            listening.refuse_taken(listening.LOOPBACK, port)


def test_takes_a_port_that_is_free():
    listening.refuse_taken(listening.LOOPBACK, free_port())


def test_says_why_nothing_answers():
    assert listening.ask(listening.LOOPBACK, free_port(), "/healthz") == (0, "[Errno 111] Connection refused")


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        ("", "localhost"),
        ("*", "localhost"),
        (".example.com", "example.com"),
        ("*, chat.example.com", "chat.example.com"),
    ],
)
def test_asks_by_a_name_that_is_served(allowed, name):
    assert listening.own_name(allowed) == name
