"""The SDK's script in a real browser: when it is seen first, and how 1,000 messages scroll."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from bench import footprint, product

SDK = product.ROOT / "sdk_js"
PATIENCE_SECONDS = 300


def measure(data: Path, port: int) -> dict[str, float]:
    """Return what ``sdk_js/scripts/measure.mjs`` saw. Raises RuntimeError without Node or a built SDK."""
    node = shutil.which("node")
    if node is None or not (SDK / "build" / "manifest.json").exists():
        raise RuntimeError("The SDK is not built here: make sdk (it takes Node).")
    with footprint.launched(data, port, DEXRA_RATE_LIMITS="off"):
        product.wait_for(port, "/readyz")
        key = json.loads((data / "demo.json").read_text())["live"]["api_key"]
        command = [node, "scripts/measure.mjs", f"http://127.0.0.1:{port}", key]
        ran = subprocess.run(
            command, cwd=SDK, env=os.environ, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    seen: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return seen
