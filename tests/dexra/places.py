"""Directories for data that servers of another user must get at."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Places = Callable[[], Path]


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    """
    Return what makes empty directories that are gone after the tests.

    pytest's own lie below one that every other pytest of the same user closes to others again, and root's servers
    run as somebody else.
    """
    root = Path(tempfile.mkdtemp(prefix="dexra-"))
    yield lambda: Path(tempfile.mkdtemp(dir=root))
    shutil.rmtree(root)


@pytest.fixture
def place(places: Places) -> Path:
    """Return one empty directory."""
    return places()
