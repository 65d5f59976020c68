"""Paths, as strict as queries and bodies: one spelling for each resource."""

from fastapi import Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException

__all__ = ["refuse_line_ends"]


class _Decimal(Convertor[str]):
    """``{version:decimal}`` stays text, for :data:`api.queries.Decimal` to read.

    Without it what follows a version would be taken for one where ids may contain ``/``.
    """

    regex = "[0-9]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("decimal", _Decimal())


async def refuse_line_ends(request: Request) -> None:
    """A dependency that does not find ``/checkpoint%0A``.

    Starlette matches paths against patterns that end in ``$``, before which Python's ``re`` lets
    a line end stand.
    """
    if request.scope["path"].endswith("\n"):
        raise HTTPException(404)
