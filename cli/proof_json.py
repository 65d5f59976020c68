"""Statements and openings as JSON, in the shapes of a vector file (``kvitto-v01.json``).

Bytes are lower-case hex, scalars 32 bytes big-endian, points as the group encodes them. Reading is
strict: an unknown or missing member, a wrong type, a float or a repeated member is a
``FormatError`` that names the field.
"""

import json
from collections.abc import Sequence
from typing import Any

from commitments.attributes import ATTRIBUTES, Attributes
from commitments.errors import FormatError
from commitments.group import Group
from commitments.purchase import Opening, commit
from commitments.wire import parse_hex, require_nfc
from zk.statement import Equals, OneOf, Predicate, Range, Ring, Scope, Statement

__all__ = [
    "beta_from_json",
    "opening_from_json",
    "predicate_from_json",
    "read_json",
    "read_list",
    "read_object",
    "read_scalar",
    "read_text",
    "read_whole",
    "statement_from_json",
]

_STATEMENT = (
    *("origin", "first", "size", "root", "voided_at", "lane"),
    *("ring", "predicates", "scopes", "context"),
)
_TRANSFER = ("blinded",)
_OPENING = ("attributes", "serial", "secret", "blinding", "commitment")
_OWNER = ("beta",)
_PREDICATES = {"equals": ("value",), "range": ("lo", "hi"), "one_of": ("values",)}


def read_json(data: bytes, field: str) -> Any:
    """Strict JSON, but integers of any size: bounds of predicates have up to 64 bits."""
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except (ValueError, RecursionError):
        raise FormatError("not JSON", field) from None


def statement_from_json(
    value: Any, group: Group, commitments: Sequence[bytes] | None = None
) -> Statement:
    """The statement of a case, or of a STATEMENT.json.

    ``ring`` is a list of indices into ``commitments``; without those, of commitments in hex.
    ``blinded`` stands in a transfer only.
    """
    members = read_object(value, "statement", _STATEMENT, _TRANSFER)
    predicates = read_list(members["predicates"], "predicates")
    scopes = read_list(members["scopes"], "scopes")
    return Statement(
        group=group,
        origin=read_text(members["origin"], "origin"),
        first=read_whole(members["first"], "first"),
        size=read_whole(members["size"], "size"),
        root=parse_hex(members["root"], "root"),
        voided_at=read_whole(members["voided_at"], "voided_at"),
        lane=read_whole(members["lane"], "lane"),
        ring=_ring(group, members["ring"], commitments),
        predicates=tuple(
            predicate_from_json(p, group, f"predicates[{i}]") for i, p in enumerate(predicates)
        ),
        scopes=tuple(_scope(s, f"scopes[{i}]") for i, s in enumerate(scopes)),
        context=parse_hex(members["context"], "context"),
        blinded=parse_hex(members["blinded"], "blinded") if "blinded" in members else None,
    )


def opening_from_json(value: Any, group: Group) -> Opening:
    """The opening in an entry of ``purchases``; ``FormatError`` if its commitment is another's."""
    members = read_object(value, "opening", _OPENING, _OWNER)
    attributes = read_object(members["attributes"], "attributes", ATTRIBUTES)
    opening = Opening(
        Attributes(**{name: read_scalar(group, attributes[name], name) for name in ATTRIBUTES}),
        *(read_scalar(group, members[name], name) for name in ("serial", "secret", "blinding")),
    )
    point = commit(group, opening)
    stated = parse_hex(members["commitment"], "commitment", group.point_size)
    if group.is_identity(point) or group.encode(point) != stated:
        raise FormatError("not the commitment to these values", "commitment")
    return opening


def beta_from_json(value: Any, group: Group) -> int | None:
    """The blinding of E beside an opening, or in a case: for a transfer only."""
    return read_scalar(group, value["beta"], "beta") if "beta" in value else None


def read_object(
    value: Any, field: str, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    """An object with exactly the ``required`` members and perhaps the ``optional`` ones."""
    if not isinstance(value, dict):
        raise FormatError("not an object", field)
    for name in required:
        if name not in value:
            raise FormatError("missing", f"{field}.{name}")
    for name in value:
        if name not in required and name not in optional:
            raise FormatError("has a member that is not known", field)
    return value


def read_list(value: Any, field: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise FormatError("not a list", field)
    return value


def read_text(value: Any, field: str) -> str:
    """A string in NFC."""
    if not isinstance(value, str):
        raise FormatError("not text", field)
    require_nfc(value, field)
    return value


def read_whole(value: Any, field: str) -> int:
    """An integer; what it may be is for its use to say. ``true`` is none."""
    if type(value) is not int:
        raise FormatError("not a whole number", field)
    return value


def read_scalar(group: Group, value: Any, field: str) -> int:
    """A scalar in hex."""
    try:
        return group.decode_scalar(parse_hex(value, field, group.scalar_size))
    except FormatError as error:
        raise FormatError(str(error), field) from None


def _ring(group: Group, value: Any, commitments: Sequence[bytes] | None) -> Ring:
    members = [
        _commitment(group, item, f"ring[{i}]", commitments)
        for i, item in enumerate(read_list(value, "ring"))
    ]
    try:
        return Ring(group, members)
    except FormatError as error:
        raise FormatError(str(error), "ring") from None


def _commitment(group: Group, value: Any, field: str, commitments: Sequence[bytes] | None) -> bytes:
    if commitments is None:
        return parse_hex(value, field, group.point_size)
    index = read_whole(value, field)
    if not 0 <= index < len(commitments):
        raise FormatError("no such purchase", field)
    return commitments[index]


def predicate_from_json(value: Any, group: Group, field: str) -> Predicate:
    """One predicate; ``FormatError`` naming the member where it is none."""
    if not isinstance(value, dict):
        raise FormatError("not an object", field)
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _PREDICATES:
        raise FormatError("unknown kind", f"{field}.kind")
    members = read_object(value, field, ("attribute", "kind", *_PREDICATES[kind]))
    attribute = read_text(members["attribute"], f"{field}.attribute")
    if kind == "equals":
        return Equals(attribute, read_scalar(group, members["value"], f"{field}.value"))
    if kind == "range":
        lo, hi = (read_whole(members[name], f"{field}.{name}") for name in ("lo", "hi"))
        return Range(attribute, lo, hi)
    values = read_list(members["values"], f"{field}.values")
    scalars = (read_scalar(group, v, f"{field}.values[{i}]") for i, v in enumerate(values))
    return OneOf(attribute, tuple(scalars))


def _scope(value: Any, field: str) -> Scope:
    members = read_object(value, field, ("kind", "scope"))
    kind = read_text(members["kind"], f"{field}.kind")
    return Scope(kind, read_text(members["scope"], f"{field}.scope"))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise FormatError("a member occurs twice", "file")
    return members


def _no_float(_text: str) -> Any:
    raise FormatError("only whole numbers are allowed", "file")
