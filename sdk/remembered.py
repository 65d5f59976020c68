"""What all that a wallet remembers has in common: how it becomes JSON, and is read back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from commitments.errors import FormatError
from commitments.group import Group
from commitments.p256 import P256
from commitments.purchase import BuyerKeys
from commitments.wire import canonical_json, parse_hex
from sdk.seed import Place

__all__ = [
    "GROUP",
    "HASH_BYTES",
    "Remembered",
    "check_members",
    "keys_document",
    "parse_count",
    "parse_keys",
    "parse_place",
    "place_document",
]

GROUP: Group = P256
"""The ciphersuite of every log that a wallet reads: entries hold its 33-byte points."""
HASH_BYTES = 32


class Remembered(ABC):
    """One of the things in a wallet; written anew with each change of another, encoded once."""

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """As JSON."""

    @cached_property
    def encoded(self) -> bytes:
        """The document's bytes in the file."""
        return canonical_json(self.document())


def check_members(document: Mapping[str, Any], kind: Any, *names: str) -> None:
    """``FormatError`` unless these members are of this type; of ``int``, counts."""
    for name in names:
        if kind is int:
            parse_count(document[name], name)
        elif not isinstance(document[name], kind):
            raise FormatError("not of its type", name)


def parse_count(value: Any, name: str) -> int:
    """A number from 0 on; ``FormatError`` otherwise."""
    if type(value) is not int or value < 0:  # True is an int, and no number
        raise FormatError("not a count", name)
    return value


def place_document(place: Place | None) -> list[int] | None:
    """As JSON: device and counter."""
    return None if place is None else [place.device, place.counter]


def parse_place(document: Any) -> Place | None:
    """Read what :func:`place_document` wrote."""
    if document is None:
        return None
    device, counter = document
    return Place(parse_count(device, "place"), parse_count(counter, "place"))


def keys_document(keys: BuyerKeys) -> list[str]:
    """The three scalars as JSON; never shown to anybody."""
    scalars = (keys.serial_0, keys.secret, keys.blinding)
    return [GROUP.encode_scalar(scalar).hex() for scalar in scalars]


def parse_keys(document: Any) -> BuyerKeys:
    """Read what :func:`keys_document` wrote."""
    return BuyerKeys(*(GROUP.decode_scalar(parse_hex(text, "keys")) for text in document))
