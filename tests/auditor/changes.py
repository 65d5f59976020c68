"""Small changes of logs by whoever can sign for them: what a merchant does that hides something."""

import json
from collections.abc import Iterator
from typing import Any

from commitments.wire import canonical_json
from tests.auditor.logs import Event

__all__ = ["Path", "changed_leaf", "differences", "leaves"]

Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where the values are that have no members."""
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for name, member in members:
            yield from leaves(member, (*path, name))
    else:
        yield path


def changed_leaf(event: bytes, path: Path, by: int) -> bytes:
    """The event with a value near the one at ``path``: which, ``by`` chooses."""
    document: Event = json.loads(event)
    owner: Any = document
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = _near(owner[path[-1]], by)
    return canonical_json(document)


def _near(value: Any, by: int) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1 - by if by % 2 and value > by else value + 1 + by
    if value is None or not value:
        return "0"
    place = by % len(value)
    digit = value[place]
    other = "0123456789abcdef"[by % 16]
    other = other if other != digit else "7"
    return value[:place] + other + value[place + 1 :]


def differences(one: Any, other: Any, path: Path = ()) -> Iterator[Path]:
    """Where two values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], (*path, name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (each, changed) in enumerate(zip(one, other, strict=True)):
            yield from differences(each, changed, (*path, place))
    elif one != other:
        yield path
