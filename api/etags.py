"""Whether a client has an answer already (RFC 9110, 13.1.2)."""

from hashlib import sha256

from starlette.datastructures import Headers

__all__ = ["etag", "is_known"]

_TAG_BYTES = 16


def etag(content: bytes, coding: str = "") -> str:
    """The tag of ``content`` as it is sent; another ``coding`` of it has another."""
    digest = sha256(content).digest()[:_TAG_BYTES].hex()
    return f'"{digest}{coding and "-"}{coding}"'


def is_known(headers: Headers, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag; a proxy that compresses may have made it weak."""
    known = ",".join(headers.getlist("If-None-Match")).split(",")
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in known)
