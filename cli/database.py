"""Which database a command works on: that of ``kvitto serve`` with the same options."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import Failure
from cli.secret_files import secret_variable

__all__ = ["DATA", "DataDirectory", "DatabaseUrl", "database_url", "using_database"]

DATA = Path("~/.kvitto/service")

DataDirectory = Annotated[
    Path,
    typer.Option(
        envvar="KVITTO_DATA", metavar="DIR", help="Holds the database and the operator's key."
    ),
]


def _from_file(given: str | None) -> str | None:
    return given or secret_variable("KVITTO_DATABASE")


DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        envvar="KVITTO_DATABASE",
        callback=_from_file,
        metavar="URL",
        help="postgresql://USER@HOST/NAME, or sqlite:///FILE; else kvitto.db in --data.",
    ),
]


@contextmanager
def using_database(database: str | Path) -> Iterator[None]:
    """Errors of a database name it, and not its URL, which may have a password."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        raise Failure(f"{database}: cannot be used ({type(error).__name__})") from None


def database_url(data: Path, given: str | None) -> str:
    """The URL that was given, or that of the file in the data directory."""
    return given or f"sqlite:///{data.expanduser().absolute()}/kvitto.db"
