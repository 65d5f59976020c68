"""docs/methodology.md as a page, so that findings can be read about where they are shown.

``methodology.md`` in this directory is a link to that file, which a wheel has a copy of.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from markdown_it.token import Token
from markupsafe import Markup

from api.pages.templating import markdown, template

__all__ = ["render_methodology"]

_FILE = files("api.pages") / "methodology.md"
_WIDE = '<div class="wide" role="region" aria-label="Table" tabindex="0">\n'


@dataclass(frozen=True)
class _Heading:
    id: str
    title: str
    level: int


def render_methodology() -> str:
    """The page, with a place to link to at each heading."""
    reader = markdown()
    tokens = reader.parse(_FILE.read_text("utf-8"))
    headings = list(_marked(tokens))
    _unlink(tokens)
    shown = list(_with_scrolling_tables(tokens))
    text = Markup(reader.renderer.render(shown, reader.options, {}))  # noqa: S704 - made of text
    return template("methodology.html").render(text=text, headings=headings[1:])


def _marked(tokens: Sequence[Token]) -> Iterator[_Heading]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            title = inline.content.replace("`", "")
            name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
            opening.attrSet("id", name)
            yield _Heading(name, title, 3 if opening.tag == "h3" else 2)


def _with_scrolling_tables(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "table_open":
            yield Token("html_block", "", 0, content=_WIDE)
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")


def _unlink(tokens: Sequence[Token]) -> None:
    """Other documents are beside this one in the project, and not here."""
    for token in tokens:
        kept: list[Token] = []
        within = False
        for child in token.children or ():
            if child.type == "link_open":
                within = str(child.attrGet("href")).startswith("#")
            if child.type not in ("link_open", "link_close") or within:
                kept.append(child)
        token.children = kept if token.children is not None else None
