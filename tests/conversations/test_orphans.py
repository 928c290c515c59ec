"""Files that nobody names any more go, a day later; everything else stays."""

import os
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations import tasks
from conversations.models import Attachment
from conversations.services import attachments, orphans
from core import tenancy
from dexra.schedule import SCHEDULE

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def _files_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def upload(name: str = "photo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"0123456789", "image/png")


def left_behind(environment, *, age: float = 2 * DAY) -> str:
    """Store a file that no message will name, so many seconds ago."""
    with attachments.stored(environment, [upload()]) as [file]:
        return aged(file.path, age)


def kept(environment, *, age: float = 2 * DAY) -> str:
    """Store a file with its attachment."""
    path = left_behind(environment, age=age)
    Attachment.unscoped.create(environment=environment, type="image", file=path)
    return path


def aged(path: str, age: float) -> str:
    then = time.time() - age
    os.utime(default_storage.path(path), (then, then))
    return path


def files() -> set[str]:
    root = Path(default_storage.path(""))
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


class TestSweep:
    def test_removes_what_nobody_names_and_nothing_else(self, live, globex):
        mine, others = kept(live), kept(globex)
        orphan, fresh = left_behind(live), left_behind(live, age=DAY - 60)

        assert orphans.sweep() == 1

        assert files() == {mine, others, fresh}
        assert orphan not in files()

    def test_finds_what_a_killed_process_left(self, live):
        child = os.fork()
        if child == 0:  # dies while the message is being said
            with attachments.stored(live, [upload()]):
                os._exit(9)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        [orphan] = files()
        assert orphans.sweep() == 0
        aged(orphan, DAY + 60)

        assert orphans.sweep() == 1
        assert files() == set()

    def test_sees_every_tenants_rows_whoever_calls_it(self, live):
        mine = kept(live)
        tenancy.release()

        assert orphans.sweep() == 0
        assert files() == {mine}

    def test_leaves_what_is_not_an_attachment(self, live):
        other = default_storage.save("exports/list.csv", ContentFile(b"x"))
        stranger = default_storage.save("attachments/readme/notes.txt", ContentFile(b"x"))

        assert orphans.sweep() == 0
        assert files() == {aged(other, 2 * DAY), aged(stranger, 2 * DAY)}

    def test_removes_so_many_at_a_time(self, live, monkeypatch):
        monkeypatch.setattr(orphans, "MOST_REMOVED", 2)
        for _ in range(3):
            left_behind(live)

        assert [orphans.sweep() for _ in range(3)] == [2, 1, 0]

    def test_looks_at_so_many_at_a_time_and_reaches_all_in_the_end(self, live, sandbox, monkeypatch):
        monkeypatch.setattr(orphans, "MOST_LOOKED_AT", 3)
        monkeypatch.setattr(orphans, "BATCH", 2)
        stay = {kept(environment) for environment in (live, sandbox) for _ in range(3)}
        left_behind(live)
        left_behind(sandbox)

        for _ in range(200):
            orphans.sweep()

        assert files() == stay

    def test_touches_nothing_where_most_is_unknown(self, live, caplog):
        kept(live)
        for _ in range(orphans.FEW + 1):
            left_behind(live)

        assert orphans.sweep() == 0
        assert len(files()) == orphans.FEW + 2
        assert "files_unknown" in caplog.text

    def test_does_nothing_before_there_is_anything(self, live):
        assert orphans.sweep() == 0


class Opaque(Storage):
    """A storage that shows nobody what it holds."""


def test_is_silent_where_a_storage_cannot_list(settings, live, caplog):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.Opaque"}}

    assert orphans.sweep() == 0
    assert caplog.text == ""


def test_beat_asks_for_it(live):
    left_behind(live)

    tasks.sweep_orphans()

    assert files() == set()
    assert tasks.sweep_orphans.name in {entry["task"] for entry in SCHEDULE.values()}
