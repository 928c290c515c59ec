"""HTML of mails: made harmless, and made plain."""

import re
from collections import Counter
from html import escape, unescape
from html.parser import HTMLParser

import nh3

MOST_HTML = 512 * 1024  # characters; nobody writes more by hand
# Elements in elements cost the square of how deep they are: a small mail could take minutes.
DEEPEST = 256
MOST_WORK = 3_000_000
TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
# Elements that end by themselves, whatever follows.
UNCLOSED = frozenset({"p", "li", "tr", "td", "th", "dt", "dd", "br", "hr", "img", "meta", "link", "input", "col",
                      "area", "base", "wbr", "option", "thead", "tbody", "tfoot"})  # fmt: skip
ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
}
# Pictures that came along are named by ``cid:``.
SCHEMES = {"http", "https", "mailto", "tel", "cid"}
BLOCKS = frozenset({"p", "div", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "section",
                    "article", "header", "footer", "hr", "center", "dl", "dt", "dd", "blockquote"})  # fmt: skip
SPACES = re.compile(r"[ \t\n\r\f]+")
EMPTY_LINES = re.compile(r"\n\s*\n\s*\n+")


def harmless(html: str) -> str:
    """
    Return HTML with nothing that runs, submits, covers the page or loads a style: what words and pictures need.

    What was made to keep a reader busy becomes plain text, and what grows while it is read becomes nothing.
    """
    cut = html[:MOST_HTML]
    cleaned = nh3.clean(
        escape(unescape(ANY_TAG.sub(" ", cut))) if _is_bomb(cut) else cut,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        clean_content_tags={"script", "style", "title", "noscript", "template"},
        link_rel="noopener noreferrer nofollow",
    )
    return cleaned if len(cleaned) <= 4 * MOST_HTML else ""


def plain(harmless_html: str) -> str:
    """Return what harmless HTML says; quotations begin each line with ``>`` as they do in plain text."""
    reader = _Reader()
    reader.feed(harmless_html)
    reader.close()
    return reader.text


def _is_bomb(html: str) -> bool:
    """Whether HTML is nested deeper than anybody writes it, as far as that can be told without reading it all."""
    open_tags: Counter[str] = Counter()
    depth = deepest = count = 0
    for match in TAG.finditer(html):
        count += 1
        name = match[2].lower()
        if name in UNCLOSED:
            continue
        if not match[1]:
            open_tags[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif open_tags[name]:
            open_tags[name] -= 1
            depth -= 1
    return deepest > DEEPEST or deepest * count > MOST_WORK


class _Reader(HTMLParser):
    """Writes down what it is read, line by line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._quotes = 0

    @property
    def text(self) -> str:
        lines = [line.rstrip() for line in self._lines]
        while lines and not lines[-1].strip("> "):
            lines.pop()
        return EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br" or tag in BLOCKS:
            self._end_line(empty=tag == "br")
        if tag == "p":
            self._lines.insert(-1, self._margin().rstrip())
        if tag == "li":
            self._end_line()
            self._lines[-1] += "- "
        if tag == "blockquote":
            self._quotes += 1
            self._lines[-1] = self._margin()
        if tag == "td" and self._lines[-1].strip():
            self._lines[-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)
        if tag in BLOCKS:
            self._end_line()

    def handle_data(self, data: str) -> None:
        words = SPACES.sub(" ", data)
        last = self._lines[-1]
        self._lines[-1] = last + (words.lstrip() if last in {"", self._margin()} else words)

    def _margin(self) -> str:
        return ">" * min(self._quotes, 5) + (" " if self._quotes else "")

    def _end_line(self, *, empty: bool = False) -> None:
        if empty or self._lines[-1] != self._margin():
            self._lines.append(self._margin())
        else:
            self._lines[-1] = self._margin()
