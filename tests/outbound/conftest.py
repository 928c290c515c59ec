"""What the tests of sending share."""

from ipaddress import ip_network

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from inboxes import channels
from tests.outbound.toys import Toy, ToyProvider
from tests.outbound.working import open_toy


@pytest.fixture
def _own_machine(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.OUTBOUND_DRAIN_SECONDS = 2.0


@pytest.fixture
def provider(settings, _own_machine):
    """A toy provider that takes everything."""
    with ToyProvider() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "toy": running.base}
        yield running


@pytest.fixture
def speak(monkeypatch):
    """Have the toy channel be able to do what is said."""

    def have(**can):
        monkeypatch.setitem(channels.REGISTRY, "toy", Toy(**can))

    have()
    return have


@pytest.fixture
def toys(live, speak):
    """Acme's inbox on the toy channel."""
    return open_toy(live)


@pytest.fixture
def picture(settings, tmp_path):
    """A small picture, and a place for files."""
    settings.MEDIA_ROOT = tmp_path
    return SimpleUploadedFile("plan.png", b"\x89PNG\r\n\x1a\n" + b"x" * 100, content_type="image/png")


@pytest.fixture
def quick(settings):
    """Attempts a moment apart."""
    settings.OUTBOUND_SCHEDULE = [0.1, 0.1]
