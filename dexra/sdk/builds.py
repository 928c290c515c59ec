"""What ``make sdk`` left in ``sdk_js/build``: its manifest, the loader, and the file whose name is its hash."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

MANIFEST = "manifest.json"
FILE_NAME = re.compile(r"dexra\.[0-9A-Za-z_-]{6,64}\.js", re.ASCII)
VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){2}([.-][0-9A-Za-z]{1,20}){0,4}", re.ASCII)
GZIP = 16 + zlib.MAX_WBITS


class NotBuilt(Exception):
    """There is no build here, or it is being written at this moment; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Item:
    """Bytes to serve, packed once: ``packed`` is by content coding. ``etag`` is a hash, without quotes."""

    content: bytes
    packed: dict[str, bytes]
    etag: str


@dataclass(frozen=True, slots=True)
class Build:
    """One build, whole: its script has the hash that its manifest and its loader tell."""

    version: str
    file_name: str
    script: Item
    loader: Item
    manifest: Item


def item(content: bytes, brotli: bytes | None = None) -> Item:
    """Return bytes with what they are packed to; brotli comes from the build, which has a library for it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP)
    packed = {"gzip": packer.compress(content) + packer.flush()}
    if brotli is not None:
        packed = {"br": brotli, **packed}
    return Item(content, packed, hashlib.sha256(content).hexdigest()[:32])


def current() -> Build:
    """Return the build that is here now; a new one is taken up without a restart. Raises NotBuilt."""
    directory = Path(settings.SDK_BUILD_DIR)
    try:
        written = (directory / MANIFEST).stat()
    except OSError:
        raise NotBuilt(
            "Dexra's script has not been built on this installation, which takes Node 20 or newer. "
            "Run `make sdk` beside `make run`; the Docker image builds it by itself."
        ) from None
    return _read(directory, written.st_mtime_ns, written.st_size)


@lru_cache(maxsize=2)
def _read(directory: Path, _written_at: int, _size: int) -> Build:
    try:
        told: dict[str, Any] = json.loads((directory / MANIFEST).read_text())
        version, script = str(told["version"]), told["script"]
        file_name = str(script["file"])
        content = (directory / file_name).read_bytes()
        loader = (directory / str(told["loader"]["file"])).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise NotBuilt(f"The build in sdk_js/build is not whole ({type(wrong).__name__}): run `make sdk`.") from None
    if not (FILE_NAME.fullmatch(file_name) and VERSION.fullmatch(version)):
        raise NotBuilt("The build in sdk_js/build names its file or its version in no known way: run `make sdk`.")
    if script.get("integrity") != integrity(content):
        raise NotBuilt("The build in sdk_js/build is being written, or was changed: try again, or run `make sdk`.")
    manifest = json.dumps({**told, "script": {**script, "path": f"/sdk/{version}/dexra.js"}}, indent=2).encode()
    brotli = directory / f"{file_name}.br"
    return Build(
        version=version,
        file_name=file_name,
        script=item(content, brotli.read_bytes() if brotli.exists() else None),
        loader=item(loader),
        manifest=item(manifest + b"\n"),
    )


def integrity(content: bytes) -> str:
    """Return what ``<script integrity>`` compares."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
