"""Answers with a tag, which whoever has them need not get again (RFC 9110, 13.1.2); compressed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from gzip import compress
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers

from api.codings import accepts_gzip

__all__ = ["Tagged"]

_TAG_BYTES = 16
_LEVEL = 6  # as of bundles


@dataclass(frozen=True)
class Tagged:
    """A body that is sent to many: hashed once, and compressed once."""

    body: bytes
    kind: str

    @classmethod
    def json(cls, document: Any) -> "Tagged":
        """A document as JSON."""
        return cls(bytes(JSONResponse(document).body), "application/json")

    def answer(self, request: Request, headers: Mapping[str, str], status: int = 200) -> Response:
        """The body, or that the client has it; with ``headers`` either way."""
        gzipped = accepts_gzip(request.headers)
        tag = f'"{self._digest}-gzip"' if gzipped else f'"{self._digest}"'
        headers = {**headers, "ETag": tag, "Vary": "Accept-Encoding"}
        if _is_known(request.headers, tag):
            return Response(status_code=304, headers=headers)
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        return Response(self._gzipped if gzipped else self.body, status, headers, self.kind)

    @cached_property
    def _digest(self) -> str:
        return sha256(self.body).digest()[:_TAG_BYTES].hex()

    @cached_property
    def _gzipped(self) -> bytes:
        return compress(self.body, _LEVEL, mtime=0)


def _is_known(headers: Headers, tag: str) -> bool:
    """A proxy that compresses may have made the tag weak."""
    known = ",".join(headers.getlist("If-None-Match")).split(",")
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in known)
