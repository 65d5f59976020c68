"""What is sent to a browser, with headers that let a page do little."""

from dataclasses import dataclass

from fastapi import Request, Response

from api.tagged import Tagged

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
}
_ASKED_FOR = "no-cache"  # kept, and asked for each time whether it has changed
_LASTING = "public, max-age=31536000, immutable"  # a year, the longest that RFC 9111 caches keep


@dataclass(frozen=True)
class Content(Tagged):
    """What lies under one address. ``lasting`` is what has a name of its own for each content.

    ``trusted_types`` names the policies of trusted types that its scripts may make.
    """

    lasting: bool = False
    trusted_types: str = _NO_TYPES

    def page(self, request: Request, status: int = 200) -> Response:
        """The content, or that the browser has it."""
        policy = {"Content-Security-Policy": _POLICY + self.trusted_types}
        cached = {"Cache-Control": _LASTING if self.lasting else _ASKED_FOR}
        return self.answer(request, {**policy, **_HEADERS, **cached}, status)


def kind_of(path: str) -> str:
    """The media type of a file by its ending."""
    return _KINDS.get(path.rpartition(".")[2], "application/octet-stream")
