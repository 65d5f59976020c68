"""Templates and Markdown of pages: what comes from elsewhere is text in both."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markupsafe import Markup

__all__ = ["markdown", "template"]

_TEMPLATES = files("api.pages") / "templates"


def markdown() -> MarkdownIt:
    """A reader of Markdown in which nothing is HTML, though the text is ours."""
    return MarkdownIt("js-default", {"html": False, "linkify": False}).disable("linkify")


@cache
def template(name: str) -> Template:
    """The template in the file of this name."""

    def load(name: str) -> str:
        return _TEMPLATES.joinpath(name).read_text("utf-8")

    environment = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    reader = markdown()
    environment.filters["markdown"] = lambda text: Markup(reader.render(text))  # noqa: S704
    environment.filters["inline"] = lambda text: Markup(reader.renderInline(text))  # noqa: S704
    return environment.get_template(name)
