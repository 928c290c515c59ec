"""The SDK's types of ``/v1`` are those of the API as it is served."""

import shutil
import subprocess
import sys

import pytest

from dexra.processes import BASE_DIR

SDK = BASE_DIR / "sdk_js"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("npm") is None, reason="takes Node")]


def test_the_types_are_made_from_the_api_of_today(tmp_path):
    document, made = tmp_path / "openapi.json", tmp_path / "protocol.ts"
    # Not that of this process: other tests have events of their own.
    described = subprocess.run([sys.executable, "manage.py", "openapi"], cwd=BASE_DIR, check=True, capture_output=True)
    document.write_bytes(described.stdout)

    subprocess.run(["node", "scripts/protocol.mjs", str(document), str(made)], cwd=SDK, check=True, timeout=120)

    assert made.read_text() == (SDK / "src/server/protocol.ts").read_text(), "Run `make protocol`."
