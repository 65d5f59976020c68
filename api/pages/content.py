"""What is sent to a browser: with headers that let a page do little, a tag, and compressed."""

from dataclasses import dataclass
from functools import cached_property
from gzip import compress

from fastapi import Request, Response

from api.codings import accepts_gzip
from api.etags import etag, is_known

__all__ = ["HTML", "Content", "kind_of"]

HTML = "text/html; charset=utf-8"
_KINDS = {
    "css": "text/css; charset=utf-8",
    "html": HTML,
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
}
# Trusted types: no script can make HTML of text, whatever the text is. Most pages make none; one
# that starts a worker makes one, of the address of that worker.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; worker-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types "
)
_NO_TYPES = "'none'"
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
_ASKED_FOR = "no-cache"  # kept, and asked for each time whether it has changed
_LASTING = "public, max-age=31536000, immutable"  # a year, the longest that RFC 9111 caches keep
_LEVEL = 9  # once in the life of a process


@dataclass(frozen=True)
class Content:
    """What lies under one address. ``lasting`` is what has a name of its own for each content.

    ``trusted_types`` names the policies of trusted types that its scripts may make.
    """

    body: bytes
    kind: str
    lasting: bool = False
    trusted_types: str = _NO_TYPES

    def answer(self, request: Request, status: int = 200) -> Response:
        """The content, or that the browser has it."""
        gzipped = accepts_gzip(request.headers)
        tag = etag(self.body, "gzip" if gzipped else "")
        cached = _LASTING if self.lasting else _ASKED_FOR
        policy = _POLICY + self.trusted_types
        headers = {"Content-Security-Policy": policy, **_HEADERS}
        headers |= {"Cache-Control": cached, "ETag": tag}
        if is_known(request.headers, tag):
            return Response(status_code=304, headers=headers)
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        body = self._gzipped if gzipped else self.body
        return Response(body, status, headers, self.kind)

    @cached_property
    def _gzipped(self) -> bytes:
        return compress(self.body, _LEVEL, mtime=0)


def kind_of(path: str) -> str:
    """The media type of a file by its ending."""
    return _KINDS.get(path.rpartition(".")[2], "application/octet-stream")
