"""Reading request bodies: bounded, strict, and each error with the name of its field.

Bodies are read by ``commitments.wire.parse_json`` and the rooms' own parsers, which accept one
spelling of everything; the models of :mod:`api.documents` only describe them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request

from api.problems import Encoded, TooLarge, TooSlow
from commitments.errors import FormatError, Overloaded, Refused
from commitments.group import Group
from commitments.wire import parse_hex, parse_json
from verifier.attachments import MOST_BYTES_OF_A_STEP

__all__ = [
    "MAX_ITEMS",
    "Body",
    "BulkBody",
    "StepBody",
    "array",
    "boolean",
    "integer",
    "members",
    "placed",
    "read_secret",
    "text",
]

MAX_ITEMS = 1000
"""Purchases or sales in one request: about a second of the issuer's arithmetic."""
_BODY_BYTES = 1 << 16  # the longest event of a log, and every document here becomes one
_BODY_SECONDS = 20  # 3 kB a second
_BULK_BYTES = 1 << 23  # 1,000 purchases whose texts are long and written with escapes
_BULK_SECONDS = 120  # 70 kB a second
_STEP_BYTES = _BODY_BYTES + MOST_BYTES_OF_A_STEP // 3 * 4 + 64  # in base64
_STEP_SECONDS = 120.0
_MOST_LARGE = 8  # steps in memory, each several times while it is read


def _read(limit: int, seconds: float) -> Callable[[Request], Awaitable[bytes]]:
    """A dependency that reads a body and stops at ``limit`` bytes, whatever was announced."""

    async def read(request: Request) -> bytes:
        _require_plain(request)
        try:
            async with asyncio.timeout(seconds):
                return await _content(request, limit)
        except TimeoutError:
            raise TooSlow(f"the body has not come within {seconds} seconds") from None

    return read


def _require_plain(request: Request) -> None:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Encoded("the body must not be compressed")


async def _content(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
    return bytes(body)


Body = Annotated[bytes, Depends(_read(_BODY_BYTES, _BODY_SECONDS))]
BulkBody = Annotated[bytes, Depends(_read(_BULK_BYTES, _BULK_SECONDS))]


class _StepReader:
    """Reads steps with attachments, which anybody may send: few of the large ones at a time."""

    def __init__(self) -> None:
        self._large = 0

    async def __call__(self, request: Request) -> AsyncIterator[bytes]:
        """A dependency; a large body has its place until it has been answered."""
        _require_plain(request)
        body, is_large = bytearray(), False
        try:
            async with asyncio.timeout(_STEP_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > _STEP_BYTES:
                        raise TooLarge(f"the body is larger than {_STEP_BYTES} bytes")
                    if len(body) > _BODY_BYTES and not is_large:
                        if self._large >= _MOST_LARGE:
                            raise Overloaded("too many attachments are coming already")
                        self._large, is_large = self._large + 1, True
            yield bytes(body)
        except TimeoutError:
            raise TooSlow(f"the body has not come within {_STEP_SECONDS} seconds") from None
        finally:
            self._large -= is_large


StepBody = Annotated[bytes, Depends(_StepReader())]


def members(
    body: bytes | Any, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    """The members of a JSON object, given as bytes or parsed; all required, no other.

    ``FormatError`` names the member.
    """
    whole = isinstance(body, bytes)
    document = parse_json(body) if whole else body
    if not isinstance(document, dict):
        raise FormatError("not an object", "body" if whole else None)
    for name in required:
        if name not in document:
            raise FormatError("missing", name)
    for name in document:
        if name not in required and name not in optional:
            raise FormatError("unknown member", name)
    return document


def text(document: dict[str, Any], name: str) -> str:
    """The member ``name``, which is text."""
    value = document[name]
    if not isinstance(value, str):
        raise FormatError("not text", name)
    return value


def integer(document: dict[str, Any], name: str) -> int:
    """The member ``name``, which is an unsigned integer."""
    value = document[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FormatError("not an unsigned integer", name)
    return value


def boolean(document: dict[str, Any], name: str) -> bool:
    """The member ``name``, which is true or false."""
    value = document[name]
    if not isinstance(value, bool):
        raise FormatError("not true or false", name)
    return value


def array(document: dict[str, Any], name: str) -> list[Any]:
    """The member ``name``, which is a list of at least one and not too many."""
    value = document[name]
    if not isinstance(value, list) or not value:
        raise FormatError("not a list with anything in it", name)
    if len(value) > MAX_ITEMS:
        raise Refused("too-many", f"more than {MAX_ITEMS}", name)
    return value


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Errors of what is read inside name their field below ``place``: ``purchases[17].sale``."""
    try:
        yield
    except FormatError as error:
        field = f"{place}.{error.field}" if error.field else place
        raise FormatError(str(error), field) from None


def read_secret(body: bytes, group: Group) -> int:
    """The member ``secret``, the only one: that of an owner who leaves."""
    document = members(body, ("secret",))
    with placed("secret"):
        return group.decode_scalar(parse_hex(document["secret"], "", group.scalar_size))
