"""The SDK's types of ``/v1`` are those of the API as it is served."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from dexra import openapi

SDK = Path(__file__).resolve().parents[2] / "sdk_js"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("npm") is None, reason="takes Node")]


def test_the_types_are_made_from_the_api_of_today(tmp_path):
    document, made = tmp_path / "openapi.json", tmp_path / "protocol.ts"
    document.write_text(json.dumps(openapi.document(), indent=2))

    subprocess.run(["node", "scripts/protocol.mjs", str(document), str(made)], cwd=SDK, check=True, timeout=120)

    assert made.read_text() == (SDK / "src/server/protocol.ts").read_text(), "Run `make protocol`."
