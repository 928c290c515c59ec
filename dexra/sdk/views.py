"""``/sdk/...``: the loader, the script it loads, the script of a version, and what they are called."""

import re
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from dexra.sdk import builds, shelf
from dexra.sdk.builds import Item, NotBuilt

SCRIPT, JSON, TEXT = "text/javascript; charset=utf-8", "application/json", "text/plain; charset=utf-8"
# Pages of other origins load these; a loader is asked for again after five minutes, and a hashed file never.
SHORT = "public, max-age=300, stale-while-revalidate=86400"
LONG = "public, max-age=31536000, immutable"
EVERYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}
CODING = re.compile(r"([a-z*-]+)(?:;q=([01](?:\.\d{0,3})?))?")

View = Callable[..., HttpResponseBase]


def _built(view: View) -> View:
    """Answer 503 with what to do where there is no build."""

    @wraps(view)
    def answer(request: HttpRequest, *args: str, **named: str) -> HttpResponseBase:
        try:
            return view(request, *args, **named)
        except NotBuilt as reason:
            return _plain(503, f"{reason}\n")

    return require_safe(answer)


@_built
def loader(request: HttpRequest) -> HttpResponseBase:
    """Answer with the script that pages name; it loads the newest build."""
    build = builds.current()
    shelf.shelve(build)
    return _served(request, build.loader, SCRIPT, SHORT)


@_built
def manifest(request: HttpRequest) -> HttpResponseBase:
    """Say which version is served, and its hash for ``<script integrity>``."""
    build = builds.current()
    shelf.shelve(build)
    return _served(request, build.manifest, JSON, SHORT)


@_built
def file(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer with the script of that hash, of this build or an earlier one."""
    found = shelf.file(name)
    return _missing("There is no such file; load /sdk/loader.js.") if found is None else _script(request, found)


@_built
def version(request: HttpRequest, number: str) -> HttpResponseBase:
    """Answer with the script of that version."""
    found = shelf.version(number)
    why = "There is no such version; /sdk/manifest.json names the newest."
    return _missing(why) if found is None else _script(request, found)


def _script(request: HttpRequest, found: Item) -> HttpResponseBase:
    return _served(request, found, SCRIPT, LONG)


def _served(request: HttpRequest, found: Item, kind: str, cache: str) -> HttpResponseBase:
    """Return the bytes in the shortest coding the browser takes, or 304 when it has them."""
    coding = _coding(request.headers.get("Accept-Encoding", ""), found)
    content = found.packed[coding] if coding else found.content
    etag = f'"{found.etag}{f"-{coding}" if coding else ""}"'
    response = HttpResponse(content, content_type=kind, headers={**EVERYWHERE, "Cache-Control": cache, "ETag": etag})
    response["Vary"] = "Accept-Encoding"
    response["Content-Length"] = str(len(content))
    if coding:
        response["Content-Encoding"] = coding
    answer = get_conditional_response(request, etag=etag, response=response)
    if answer is not None and answer.status_code == 304:
        for name, value in EVERYWHERE.items():  # what a browser keeps is updated by these, or refused without
            answer.headers[name] = value
    return answer or response


def _coding(accepted: str, found: Item) -> str:
    weights = {name: float(weight or 1) for name, weight in CODING.findall(accepted.lower().replace(" ", ""))}
    return next((coding for coding in found.packed if weights.get(coding, weights.get("*", 0))), "")


def _missing(why: str) -> HttpResponse:
    return _plain(404, f"{why}\n")


def _plain(status: int, text: str) -> HttpResponse:
    headers = {**EVERYWHERE, "Cache-Control": "no-store"}
    return HttpResponse(text, status=status, content_type=TEXT, headers=headers)
