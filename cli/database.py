"""Which database a command works on: that of ``kvitto serve`` with the same options."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DATA", "DataDirectory", "DatabaseUrl", "database_url"]

DATA = Path("~/.kvitto/service")

DataDirectory = Annotated[
    Path, typer.Option(metavar="DIR", help="Holds the database and the operator's key.")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        envvar="KVITTO_DATABASE",
        metavar="URL",
        help="postgresql://USER@HOST/NAME, or sqlite:///FILE; else kvitto.db in --data.",
    ),
]


def database_url(data: Path, given: str | None) -> str:
    """The URL that was given, or that of the file in the data directory."""
    return given or f"sqlite:///{data.expanduser().absolute()}/kvitto.db"
