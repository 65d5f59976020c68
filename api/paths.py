"""Paths, as strict as queries and bodies: one spelling for each resource."""

from fastapi import Request
from starlette.exceptions import HTTPException

__all__ = ["refuse_line_ends"]


async def refuse_line_ends(request: Request) -> None:
    """A dependency that does not find ``/checkpoint%0A``.

    Starlette matches paths against patterns that end in ``$``, before which Python's ``re`` lets
    a line end stand.
    """
    if request.scope["path"].endswith("\n"):
        raise HTTPException(404)
