"""The port a web process listens on: which one, whether it is free, and what answers there."""

import os
import socket
from http.client import HTTPConnection, HTTPException

ANSWER_SECONDS = 5.0
EVERYWHERE = "0.0.0.0"  # noqa: S104  what a person may ask for
LOOPBACK = "127.0.0.1"


class Unusable(Exception):
    """The port cannot be had, and the message says why."""


def wanted_port() -> int:
    """Return ``PORT``. Raises Unusable."""
    text = os.environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise Unusable(f"PORT={text} is not a port: choose a number from 1 to 65535.")
    return int(text)


def refuse_taken(host: str, port: int) -> None:
    """Raise Unusable when somebody listens there already, or nobody may."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unusable(f"port {port} cannot be used ({error.strerror}): choose another, PORT={port + 1}") from None


def ask(host: str, port: int, path: str) -> tuple[int, str]:
    """Return the status and body of a GET; status 0 with the reason when nothing answers."""
    connection = HTTPConnection(LOOPBACK if host == EVERYWHERE else host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": own_name(os.environ.get("DEXRA_ALLOWED_HOSTS", ""))})
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode(errors="replace")
    except (OSError, HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def own_name(allowed_hosts: str) -> str:
    """Return a name this installation answers to, from its comma-separated ``DEXRA_ALLOWED_HOSTS``."""
    names = (name.strip().lstrip(".") for name in allowed_hosts.split(","))
    return next((name for name in names if name not in {"", "*"}), "localhost")
