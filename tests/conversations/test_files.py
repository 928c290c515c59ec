"""Attachments over ``/files/{token}``: shown where that is safe, downloaded where it is not."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations.models import Attachment
from conversations.services import attachments
from core import tenancy
from core.errors import NotFound

CONTENT = b"0123456789"


@pytest.fixture(autouse=True)
def _files_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def keep(environment, filename: str, content_type: str) -> Attachment:
    """Store a file as an attachment of no message yet."""
    path = default_storage.save(f"attachments/{filename[:40]}", ContentFile(CONTENT))
    kept: Attachment = Attachment.unscoped.create(
        environment=environment, type="file", file=path, filename=filename, content_type=content_type, size=len(CONTENT)
    )
    return kept


@pytest.fixture
def photo(live) -> Attachment:
    """A picture."""
    return keep(live, "photo.png", "image/png")


def fetch(client, file: Attachment, **headers):
    """Return the answer, read to its end; ``answer.body`` is what came."""
    answer = client.get(f"/files/{file.token}", headers=headers)
    answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer


class TestFile:
    def test_is_shown_in_place_when_it_is_a_picture(self, client, photo):
        answer = fetch(client, photo)

        assert (answer.status_code, answer.body) == (200, CONTENT)
        assert (answer["Content-Type"], answer["Content-Disposition"]) == ("image/png", 'inline; filename="photo.png"')
        assert answer["Content-Length"] == "10"

    @pytest.mark.parametrize(
        ("filename", "content_type", "shown_type"),
        [
            ("page.html", "text/html", "text/html"),
            ("drawing.svg", "image/svg+xml", "image/svg+xml"),
            ("offer.pdf", "application/pdf", "application/pdf"),
            ("photo.png", "image/png; x=1", "application/octet-stream"),
            ("photo.png", "nonsense\r\nX-A: b", "application/octet-stream"),
            ("photo.png", "", "application/octet-stream"),
        ],
    )
    def test_is_a_download_when_it_is_anything_else(self, client, live, filename, content_type, shown_type):
        answer = fetch(client, keep(live, filename, content_type))

        assert answer["Content-Type"] == shown_type
        assert answer["Content-Disposition"].startswith("attachment")

    def test_may_run_nothing_and_be_taken_for_nothing_else(self, client, photo):
        answer = fetch(client, photo)

        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"

    @pytest.mark.parametrize(
        ("filename", "shown"),
        [
            ("façade.png", "inline; filename*=utf-8''fa%C3%A7ade.png"),
            ('a"b.png', r'inline; filename="a\"b.png"'),
            ("a\r\nSet-Cookie: x.png", 'inline; filename="aSet-Cookie: x.png"'),
            ("", 'inline; filename="file"'),
        ],
    )
    def test_has_a_name_that_cannot_add_headers(self, client, live, photo, filename, shown):
        Attachment.unscoped.filter(pk=photo.pk).update(filename=filename)

        assert fetch(client, photo)["Content-Disposition"] == shown

    @pytest.mark.parametrize(
        ("asked", "part", "place"),
        [
            ("bytes=0-1", b"01", "bytes 0-1/10"),
            ("bytes=7-", b"789", "bytes 7-9/10"),
            ("bytes=8-99", b"89", "bytes 8-9/10"),
        ],
    )
    def test_is_sent_in_parts_to_players(self, client, photo, asked, part, place):
        answer = fetch(client, photo, Range=asked)

        assert (answer.status_code, answer.body, answer["Content-Range"]) == (206, part, place)
        assert answer["Content-Length"] == str(len(part))

    @pytest.mark.parametrize("asked", ["bytes=10-", "bytes=5-4"])
    def test_has_no_such_part(self, client, photo, asked):
        answer = fetch(client, photo, Range=asked)

        assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */10")

    @pytest.mark.parametrize("asked", ["bytes=-3", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes=٣-"])
    def test_is_sent_whole_for_a_range_that_is_not_understood(self, client, photo, asked):
        answer = fetch(client, photo, Range=asked)

        assert (answer.status_code, answer.body) == (200, CONTENT)

    @pytest.mark.parametrize("token", ["x", "unknown0unknown0unknown0", "%00", "..%2f..%2fetc%2fpasswd", "ü"])
    def test_is_not_there_for_an_unknown_token(self, db, client, token):
        assert client.get(f"/files/{token}").status_code == 404

    def test_is_not_there_when_the_storage_lost_it(self, client, photo):
        default_storage.delete(photo.file.name)

        assert fetch(client, photo).status_code == 404

    def test_cannot_be_written_to(self, client, photo):
        assert client.post(f"/files/{photo.token}").status_code == 405


def test_finding_a_file_opens_no_other_tenant(client, photo, globex):
    stranger = keep(globex, "secret.png", "image/png")

    fetch(client, photo)

    with tenancy.one(photo.environment_id):
        assert list(Attachment.unscoped.values_list("pk", flat=True)) == [photo.pk]
    assert stranger.environment_id != photo.environment_id


def test_a_file_in_a_bucket_is_fetched_there_with_a_signature(client, photo, settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    options = {
        "bucket_name": "acme",
        "endpoint_url": "http://127.0.0.1:1",
        "region_name": "x",
        "querystring_expire": 300,
    }
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }
    settings.ATTACHMENTS_BUCKET = "acme"

    answer = fetch(client, photo)

    assert answer.status_code == 302
    assert answer["Location"].startswith("http://127.0.0.1:1/acme/attachments/photo.png?")
    for part in ("response-content-disposition=inline", "response-content-type=image%2Fpng", "Signature="):
        assert part in answer["Location"]


class TestStored:
    def test_takes_the_first_files_away_when_a_later_one_fails(self, live, tmp_path):
        class Broken(SimpleUploadedFile):
            def chunks(self, chunk_size=None):
                raise OSError("the connection is gone")

        uploads = [SimpleUploadedFile("one.png", CONTENT), Broken("two.png", CONTENT)]

        with pytest.raises(OSError, match="gone"), attachments.stored(live, uploads):
            pytest.fail("not all are stored")

        assert [path for path in tmp_path.rglob("*.png") if path.is_file()] == []

    def test_keeps_the_files_of_a_message_that_was_said(self, live):
        with attachments.stored(live, [SimpleUploadedFile("one.png", CONTENT)]) as [file]:
            pass

        assert default_storage.exists(file.path)

    def test_tells_why_the_message_was_refused_even_when_a_file_cannot_be_taken_away(self, live, tmp_path):
        def refuse(file):
            (tmp_path / file.path).unlink()
            (tmp_path / file.path).mkdir()
            (tmp_path / file.path / "full").touch()
            raise NotFound("No such conversation.")

        with pytest.raises(NotFound), attachments.stored(live, [SimpleUploadedFile("one.png", CONTENT)]) as [file]:
            refuse(file)
