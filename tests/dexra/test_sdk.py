"""The script for businesses' pages: served to every page, packed, kept across deploys, and nothing else from there."""

import base64
import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from dexra import tasks
from dexra.sdk import builds, shelf

FIRST, SECOND = b"console.log('one')\n" * 40, b"console.log('two')\n" * 40
EVERYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}


def build(at: Path, content: bytes, version: str = "1.2.3") -> str:
    """Leave a build as `make sdk` does; returns the name of its file."""
    at.mkdir(exist_ok=True)
    for old in at.iterdir():
        old.unlink()
    name = f"dexra.{hashlib.sha256(content).hexdigest()[:12]}.js"
    (at / name).write_bytes(content)
    (at / "loader.js").write_text(f"load('/sdk/files/{name}')")
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
    script = {"file": name, "integrity": integrity, "bytes": len(content), "gzip": 1}
    (at / "manifest.json").write_text(
        json.dumps({"version": version, "script": script, "loader": {"file": "loader.js"}})
    )
    return name


@pytest.fixture(autouse=True)
def here(settings, tmp_path, monkeypatch) -> Path:
    """An installation of its own, whose process has just started."""
    settings.SDK_BUILD_DIR, settings.MEDIA_ROOT = tmp_path / "build", str(tmp_path / "media")
    restart(monkeypatch)
    return tmp_path / "build"


def restart(monkeypatch) -> None:
    """Forget what a process knows."""
    monkeypatch.setattr(shelf._Shelved, "known", None)
    monkeypatch.setattr(shelf._Shelved, "try_again_at", 0.0)
    for remembered in (builds._read, shelf._kept_file, shelf._kept_version):
        remembered.cache_clear()


@pytest.fixture
def name(here) -> str:
    """The name of the first build's file."""
    return build(here, FIRST)


@pytest.fixture
def browser() -> Client:
    return Client()


class TestEveryAnswer:
    @pytest.fixture(params=["loader.js", "v1/dexra.js", "manifest.json", "1.2.3/dexra.js", "files/{name}"])
    def path(self, request, name) -> str:
        return "/sdk/" + request.param.format(name=name)

    def test_may_be_loaded_by_every_page(self, browser, path):
        answer = browser.get(path, headers={"Origin": "https://shop.example"})

        assert answer.status_code == 200
        assert EVERYWHERE.items() <= answer.headers.items()
        assert answer.cookies == {}

    def test_is_packed_for_who_can_unpack(self, browser, path):
        plain, packed = browser.get(path), browser.get(path, headers={"Accept-Encoding": "br, gzip"})

        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert packed["Vary"] == plain["Vary"] == "Accept-Encoding"
        assert packed["ETag"] != plain["ETag"]
        assert int(packed["Content-Length"]) == len(packed.content)

    @pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br", "gzip;q=0.000, *;q=0", "deflate"])
    def test_is_as_it_is_for_who_cannot(self, browser, path, accepted):
        assert "Content-Encoding" not in browser.get(path, headers={"Accept-Encoding": accepted})

    def test_is_not_sent_again_to_who_has_it(self, browser, path):
        for accepted in ("gzip", ""):
            headers = {"Accept-Encoding": accepted}
            first = browser.get(path, headers=headers)
            again = browser.get(path, headers={**headers, "If-None-Match": f'"other", W/{first["ETag"]}'})
            assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
            assert EVERYWHERE.items() <= again.headers.items()
            assert again["Cache-Control"] == first["Cache-Control"]
            assert browser.get(path, headers={**headers, "If-None-Match": '"other"'}).status_code == 200

    def test_has_a_head(self, browser, path):
        answer = browser.head(path)

        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer["Content-Length"]) == len(browser.get(path).content)

    @pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
    def test_changes_nothing(self, browser, path, method):
        assert getattr(browser, method)(path).status_code == 405


class TestCaching:
    def test_a_loader_is_asked_for_again_after_five_minutes(self, browser, name):
        for path in ("/sdk/loader.js", "/sdk/v1/dexra.js", "/sdk/manifest.json"):
            assert browser.get(path)["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"

    def test_what_has_its_hash_or_version_in_its_name_never(self, browser, name):
        for path in (f"/sdk/files/{name}", "/sdk/1.2.3/dexra.js"):
            assert browser.get(path)["Cache-Control"] == "public, max-age=31536000, immutable"

    def test_scripts_are_scripts(self, browser, name):
        assert browser.get(f"/sdk/files/{name}")["Content-Type"] == "text/javascript; charset=utf-8"
        assert browser.get("/sdk/loader.js")["Content-Type"] == "text/javascript; charset=utf-8"


class TestTheManifest:
    def test_names_a_pinned_file_that_has_its_hash(self, browser, name):
        told = browser.get("/sdk/manifest.json").json()

        assert told["version"] == "1.2.3"
        assert builds.integrity(browser.get(told["script"]["path"]).content) == told["script"]["integrity"]


class TestBrotli:
    def test_is_served_where_the_build_made_it(self, browser, here, name):
        (here / f"{name}.br").write_bytes(b"packed")
        builds._read.cache_clear()

        answer = browser.get(f"/sdk/files/{name}", headers={"Accept-Encoding": "gzip, deflate, br"})

        assert (answer["Content-Encoding"], answer.content) == ("br", b"packed")


class TestADeploy:
    def test_leaves_pages_the_file_that_their_loader_named(self, browser, here, name, monkeypatch):
        browser.get("/sdk/loader.js")
        second = build(here, SECOND, "1.3.0")
        restart(monkeypatch)

        assert second in browser.get("/sdk/loader.js").content.decode()
        assert browser.get(f"/sdk/files/{name}").content == FIRST
        assert browser.get(f"/sdk/files/{second}").content == SECOND
        assert browser.get("/sdk/1.2.3/dexra.js").content == FIRST
        assert browser.get("/sdk/1.3.0/dexra.js").content == SECOND

    def test_gives_a_process_of_the_release_before_the_new_file(self, browser, here, name, monkeypatch, settings):
        other = here.with_name("other")
        second = build(other, SECOND, "1.3.0")
        settings.SDK_BUILD_DIR = other
        browser.get("/sdk/loader.js")
        settings.SDK_BUILD_DIR = here

        assert browser.get(f"/sdk/files/{second}").content == SECOND

    def test_is_taken_up_without_a_restart(self, browser, here, name):
        browser.get("/sdk/loader.js")
        second = build(here, SECOND + b"longer")

        assert second in browser.get("/sdk/loader.js").content.decode()
        assert browser.get("/sdk/1.2.3/dexra.js").content == SECOND + b"longer"

    def test_that_changes_a_version_is_noticed(self, browser, here, name, monkeypatch, caplog):
        browser.get("/sdk/loader.js")
        build(here, SECOND)
        browser.get("/sdk/loader.js")
        (here / "manifest.json").unlink()

        assert browser.get("/sdk/1.2.3/dexra.js").content == SECOND
        assert "sdk_version_changed" in caplog.text

    def test_that_was_cut_off_while_it_stored_is_mended(self, browser, name):
        default_storage.save(f"sdk/files/{name}", ContentFile(FIRST[:10]))

        browser.get("/sdk/loader.js")

        with default_storage.open(f"sdk/files/{name}") as stored:
            assert stored.read() == FIRST

    def test_stores_nothing_twice(self, browser, name, monkeypatch):
        browser.get("/sdk/loader.js")
        restart(monkeypatch)
        browser.get("/sdk/loader.js")

        assert default_storage.listdir("sdk/files") == ([], [name])

    def test_goes_on_while_the_storage_is_away(self, browser, name, settings, tmp_path):
        (tmp_path / "file").touch()
        settings.MEDIA_ROOT = str(tmp_path / "file")

        assert browser.get("/sdk/loader.js").status_code == 200
        assert browser.get(f"/sdk/files/{name}").content == FIRST


class TestUpkeep:
    def test_keeps_a_file_for_thirty_days_after_it_was_last_served(self, here, name):
        tasks.keep_sdk()
        second = build(here, SECOND, "1.3.0")
        tasks.keep_sdk()
        today = datetime.now(UTC).date()

        assert shelf.clear(today + timedelta(days=30)) == 0
        assert default_storage.listdir("sdk/files")[1] == sorted([name, second])
        assert shelf.clear(today + timedelta(days=31)) == 2
        assert default_storage.listdir("sdk/files")[1] == []

    def test_never_lets_go_of_the_file_that_is_served(self, here, name, monkeypatch):
        tasks.keep_sdk()
        later = datetime.now(UTC).date() + timedelta(days=90)
        monkeypatch.setattr(shelf, "_today", lambda: later)

        tasks.keep_sdk()

        assert default_storage.listdir("sdk/files")[1] == [name]

    def test_keeps_versions_for_good(self, browser, here, name, monkeypatch):
        tasks.keep_sdk()
        shelf.clear(datetime.now(UTC).date() + timedelta(days=400))
        build(here, SECOND, "1.3.0")

        assert browser.get("/sdk/1.2.3/dexra.js").content == FIRST

    def test_touches_nothing_without_a_build(self, here, name):
        tasks.keep_sdk()
        (here / "manifest.json").unlink()

        tasks.keep_sdk()

        assert default_storage.listdir("sdk/files")[1] == [name]


class TestWithoutABuild:
    def test_says_what_to_do(self, browser):
        for path in ("/sdk/loader.js", "/sdk/v1/dexra.js", "/sdk/manifest.json"):
            answer = browser.get(path)
            assert answer.status_code == 503
            assert "make sdk" in answer.content.decode()
            assert answer["Cache-Control"] == "no-store"
            assert answer["Content-Type"].startswith("text/plain")

    def test_still_has_what_was_served_before(self, browser, here, name, monkeypatch):
        browser.get("/sdk/loader.js")
        (here / "manifest.json").unlink()
        restart(monkeypatch)

        assert browser.get(f"/sdk/files/{name}").content == FIRST

    @pytest.mark.parametrize(
        "written",
        [
            "{",
            "[]",
            "{}",
            '{"version": "1.0.0", "script": null, "loader": {"file": "loader.js"}}',
            '{"version": "1.0.0", "script": {"file": "gone.js"}, "loader": {"file": "loader.js"}}',
            '{"version": "1.0.0", "script": {"file": "../../manage.py"}, "loader": {"file": "loader.js"}}',
        ],
    )
    def test_nor_with_one_that_is_broken(self, browser, here, name, written):
        (here / "manifest.json").write_text(written)

        assert browser.get("/sdk/loader.js").status_code == 503

    def test_nor_while_one_is_being_written(self, browser, here, name):
        (here / name).write_bytes(SECOND)

        assert browser.get("/sdk/loader.js").status_code == 503


class TestNothingElse:
    @pytest.mark.parametrize(
        "path",
        [
            "files/dexra.0000000000.js",
            "files/loader.js",
            "files/manifest.json",
            "files/../manifest.json",
            "files/..%2f..%2fmanage.py",
            "files/%2e%2e%2fmanifest.json",
            "files/dexra.%00abcdef.js",
            "files/dexra.../../x.js",
            "files/",
            "9.9.9/dexra.js",
            "../dexra.js",
            "..%2f..%2fmedia/dexra.js",
            "1.2.3%2f..%2f1.2.3/dexra.js",
            "v2/dexra.js",
            "1.2.3/loader.js",
            "",
        ],
    )
    def test_is_served(self, browser, name, path):
        assert browser.get(f"/sdk/{path}").status_code == 404
