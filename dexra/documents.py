"""Documents of ``docs/`` as pages: their Markdown with a contents list, samples to copy, and tabs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from re import sub

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCUMENTS = Path(__file__).parent.parent / "docs"
WRITTEN_FOR = "http://127.0.0.1:8000"
LANGUAGES = {"sh": "Shell", "http": "HTTP", "json": "JSON"}


@dataclass(frozen=True, slots=True)
class Document:
    """A title, what is in it (``(id, heading)``), and the text as HTML."""

    title: str
    contents: Sequence[tuple[str, str]]
    html: SafeString


def read(name: str) -> Document:
    """Return a document of ``docs/``; its samples name this installation. Raises FileNotFoundError."""
    title, contents, html = _rendered(name)
    return Document(title, contents, mark_safe(html.replace(WRITTEN_FOR, escape(settings.BASE_URL))))  # noqa: S308  our own text, rendered without raw HTML


@cache
def _rendered(name: str) -> tuple[str, Sequence[tuple[str, str]], str]:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse((DOCUMENTS / f"{name}.md").read_text())
    title, contents, parts = "", [], ["<section>"]
    for block in _blocks(tokens):
        if block[0].type == "fence":
            parts.append(_samples(block))
            continue
        html = markdown.renderer.render(block, markdown.options, {})
        heading = block[1].content if block[0].type == "heading_open" else ""
        if block[0].tag == "h1":
            title = heading
        if block[0].tag == "h2":
            contents.append((_slug(heading), heading))
            html = f'</section>\n<section id="{_slug(heading)}">\n{html}'
        parts.append(f'<div class="wide">{html}</div>' if block[0].type == "table_open" else html)
    return title, contents, "\n".join([*parts, "</section>"])


def _blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each block of the document; samples that follow each other are one."""
    block: list[Token] = []
    depth = 0
    for token in tokens:
        is_sample = token.type == "fence" and depth == 0
        if block and depth == 0 and not (is_sample and block[0].type == "fence"):
            yield block
            block = []
        block.append(token)
        depth += token.nesting
    if block:
        yield block


def _samples(fences: Sequence[Token]) -> str:
    figures = [_sample(fence, is_tab=len(fences) > 1) for fence in fences]
    return f'<div class="tabs" data-tabs>{"".join(figures)}</div>' if len(fences) > 1 else figures[0]


def _sample(fence: Token, *, is_tab: bool) -> str:
    language, _, label = fence.info.partition(" ")
    label = label or LANGUAGES.get(language, language)
    name = f"{_slug(label)}-{fence.map[0] if fence.map else 0}"
    tab = f' data-tab="{escape(label)}"' if is_tab else ""
    return (
        f'<figure class="sample"{tab}><figcaption>{escape(label)}'
        f'<button type="button" data-copies="{name}">Copy</button></figcaption>'
        f'<pre><code id="{name}">{escape(fence.content)}</code></pre></figure>\n'
    )


def _slug(heading: str) -> str:
    """Return the name of a heading in links, as GitHub makes it."""
    return sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))
