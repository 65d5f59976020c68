"""What a command says: one JSON document for scripts, or the same for people.

Results go to stdout; everything that is only said meanwhile goes to stderr.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

__all__ = [
    "Advance",
    "AsJson",
    "agreed",
    "bar",
    "facts",
    "lines",
    "note",
    "printable",
    "show",
    "table",
    "tell",
    "waiting",
]

_WIDTH = 200  # characters in a line of a table that goes to a file or a program

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def show(document: Any, *views: RenderableType, as_json: bool) -> None:
    """A result: ``document`` as JSON, or ``views`` for people."""
    if as_json:
        typer.echo(json.dumps(document))
        return
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDTH
    for view in views:
        console.print(view)


def printable(text: object) -> str:
    """Without control characters: what a service or a file says must not move the cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text))


def note(text: str) -> None:
    """A line for whoever is watching."""
    typer.echo(printable(text), err=True)


def tell(lines: Iterable[str]) -> None:
    """Lines for whoever is watching."""
    for line in lines:
        note(line)


def agreed(question: str) -> bool:
    """Whether somebody answers yes. Not typer.confirm, which writes to stdout as well."""
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer.strip().lower() in ("y", "yes")


def table(
    columns: Iterable[str], rows: Iterable[Iterable[object]], title: str | None = None
) -> Table:
    """A table with a heading line; a cell with None is empty."""
    heading = None if title is None else Text(printable(title))
    result = Table(title=heading, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        result.add_column(column, overflow="fold")
    for row in rows:
        result.add_row(*("" if cell is None else Text(printable(cell)) for cell in row))
    return result


def facts(pairs: Mapping[str, object]) -> Text:
    """A name and a value on each line; nothing for None. Lines stay whole, to be copied."""
    known = {name: printable(value) for name, value in pairs.items() if value is not None}
    width = max(map(len, known), default=0)
    return Text("\n").join(Text(f"{name:<{width}}  {value}") for name, value in known.items())


def lines(sentences: Iterable[str]) -> Text:
    """Sentences, each on a line."""
    return Text("\n".join(map(printable, sentences)))


class Advance(Protocol):
    """Called with how much is done and, if that was not known before, of how much."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Show it."""


@contextmanager
def bar(label: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on a terminal; call what it yields."""
    console = Console(stderr=True)
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done, of=None: progress.update(task, completed=done, total=of)


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """A spinner on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(label):
        yield
