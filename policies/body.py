"""What a proof is bound to: a body with a type and a nonce (docs/protocol.md 5, *Context*)."""

import secrets
from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Any

from commitments.errors import FormatError
from commitments.sale import parse_day
from commitments.wire import canonical_json, parse_hex, parse_identifier

__all__ = ["NONCE_SIZE", "body_members", "check_common", "check_types", "context_of", "new_nonce"]

NONCE_SIZE = 16


def new_nonce() -> str:
    """A fresh nonce, so that two proofs with equal bodies have different contexts."""
    return secrets.token_hex(NONCE_SIZE)


def context_of(document: dict[str, Any]) -> bytes:
    """What the proof is bound to: the SHA-256 of the body's RFC 8785 form."""
    return sha256(canonical_json(document)).digest()


def body_members(document: Any, kind: str, names: Iterable[str]) -> dict[str, Any]:
    """The members of a body of this type, without the type; exactly these.

    ``FormatError`` naming the member for anything missing or unknown.
    """
    if not isinstance(document, dict):
        raise FormatError("not an object", kind)
    members = dict(document)
    if members.pop("type", None) != kind:
        raise FormatError(f'not "{kind}"', f"{kind}.type")
    known = set(names)
    for name in [*sorted(members.keys() - known), *sorted(known - members.keys())]:
        raise FormatError("unknown member" if name in members else "missing", f"{kind}.{name}")
    return members


def check_types(
    members: dict[str, Any], kind: str, integers: Collection[str], others: Collection[str] = ()
) -> None:
    """``FormatError`` unless ``integers`` are unsigned, and all but ``others`` are text."""
    for name, value in members.items():
        if name in integers:
            if type(value) is not int or value < 0:
                raise FormatError("not an unsigned integer", f"{kind}.{name}")
        elif name not in others and not isinstance(value, str):
            raise FormatError("not text", f"{kind}.{name}")


def check_common(members: dict[str, Any], kind: str) -> None:
    """``FormatError`` unless origin, date and nonce, which every body has, are such."""
    parse_identifier(members["origin"], f"{kind}.origin")
    parse_hex(members["nonce"], f"{kind}.nonce", NONCE_SIZE)
    try:
        parse_day(members["date"])
    except FormatError as error:
        raise FormatError(str(error), f"{kind}.date") from None
