"""A report as a page that stands on its own: no script, nothing loaded, made to be printed."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from cli.report_words import FOOTNOTE, Section

__all__ = ["render_report"]

_TEMPLATE = "templates/report.html"


def render_report(
    title: str, facts: Mapping[str, str], warning: str | None, sections: Sequence[Section]
) -> str:
    """The page; ``facts`` say what it was made of, ``warning`` what is wrong with it."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files("cli").joinpath(_TEMPLATE).read_text("utf-8"))
    return template.render(
        title=title, facts=facts, warning=warning, sections=sections, footnote=FOOTNOTE
    )
