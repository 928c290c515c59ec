"""Secrets at rest."""

import pytest
from django.db import connection

from core import crypto
from inboxes.models import Inbox

# The vectors that Chatwoot-compatible clients are checked against.
TOKEN = "wKp3Zr8tQx1Vn5Ls7Yd2Hf9B"


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("user-42", "753c82f05c3d4402ef738891c1c7ce185a4e3329a412466df1f33e08f4b549d1"),
        ("42", "6108c6d64a632a7e46eda4cb00877b1dfed01274474989c6430f567f3a336d06"),
    ],
)
def test_identity_hashes_are_those_of_the_contract(identifier, expected):
    assert crypto.hmac_hex(TOKEN, identifier) == expected


class TestEncrypt:
    def test_seals_differently_each_time_and_opens_again(self):
        first, second = crypto.encrypt("secret"), crypto.encrypt("secret")

        assert first != second
        assert crypto.decrypt(first) == crypto.decrypt(second) == "secret"

    def test_says_so_when_no_key_opens_it(self):
        with pytest.raises(ValueError, match="DEXRA_ENCRYPTION_KEY"):
            crypto.decrypt(crypto.encrypt("secret")[:-4] + "AAA=")

    def test_opens_what_an_older_key_sealed(self, settings):
        sealed = crypto.encrypt("secret")
        settings.ENCRYPTION_KEYS = ["a new key", *settings.ENCRYPTION_KEYS]
        crypto._fernet.cache_clear()

        try:
            assert crypto.decrypt(sealed) == "secret"
        finally:
            crypto._fernet.cache_clear()


class TestEncryptedField:
    def test_keeps_inbox_secrets_unreadable_in_the_database(self, inbox):
        Inbox.unscoped.filter(pk=inbox.pk).update(settings={"webhook_url": "https://acme.test/hook"})

        with connection.cursor() as cursor:
            cursor.execute("SELECT hmac_token, settings FROM inboxes_inbox WHERE id = %s", [inbox.pk])
            stored = "".join(cursor.fetchone())

        assert inbox.hmac_token not in stored
        assert "acme.test" not in stored
        assert Inbox.unscoped.get(pk=inbox.pk).settings == {"webhook_url": "https://acme.test/hook"}


@pytest.mark.parametrize(
    ("secret", "shown"),
    [("0123456789abcdef", "••••cdef"), ("short", "••••"), ("", "••••")],
)
def test_masks_all_but_the_end_of_long_secrets(secret, shown):
    assert crypto.masked(secret) == shown
