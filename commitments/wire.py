"""Strict encodings: what goes into a hash, a signature or a log, and how it is read back.

Python's own parsers are generous (``int(" 1_0")`` is 10, ``b64decode`` skips junk); two readers
that are generous in different ways disagree about what was signed. Everything here accepts
exactly one spelling. ``docs/protocol.md`` sections 2, 3 and 5.
"""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import rfc8785

from commitments.errors import FormatError

__all__ = [
    "canonical_json",
    "encode_base64",
    "encode_base64url",
    "le",
    "lp",
    "nfc",
    "parse_base64",
    "parse_base64url",
    "parse_canonical_json",
    "parse_decimal",
    "parse_hex",
    "parse_identifier",
    "parse_json",
    "require_nfc",
]

_DECIMAL = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")  # what UTF-8 cannot carry
_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z0-9._/-]+", re.ASCII)
_MAX_EXACT_INTEGER = 2**53 - 1  # beyond it JSON readers disagree (RFC 8785, 3.2.2.3; RFC 7493)
_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_DEEPEST = 64  # levels of nesting; well below where an interpreter gives up


def le(n: int, width: int) -> bytes:
    """``n`` as ``width`` little-endian bytes (protocol.md 2)."""
    return n.to_bytes(width, "little")


def lp(data: bytes) -> bytes:
    """``data`` behind its length as four little-endian bytes (protocol.md 2)."""
    return le(len(data), 4) + data


def nfc(text: str) -> str:
    """``text`` in Unicode normalisation form C, the only form that is hashed (protocol.md 3)."""
    return unicodedata.normalize("NFC", text)


def require_nfc(text: str, field: str) -> None:
    """``FormatError`` for text that is not in NFC or that UTF-8 cannot carry (protocol.md 3)."""
    if text.isascii():
        return
    if not unicodedata.is_normalized("NFC", text) or _SURROGATE.search(text):
        raise FormatError("text is not in Unicode NFC", field)


def parse_decimal(text: str, field: str, maximum: int = 2**63 - 1) -> int:
    """An unsigned decimal without sign, space, underscore or leading zero, at most ``maximum``."""
    if not isinstance(text, str) or len(text) > 20 or not _DECIMAL.fullmatch(text):
        raise FormatError("not a canonical decimal number", field)
    number = int(text)
    if number > maximum:
        raise FormatError("number out of range", field)
    return number


def parse_hex(text: str, field: str, size: int | None = None) -> bytes:
    """Lower-case hex, of exactly ``size`` bytes where ``size`` is given."""
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise FormatError("not lower-case hex", field)
    if size is not None and len(text) != 2 * size:
        raise FormatError(f"not {size} bytes of hex", field)
    return bytes.fromhex(text)


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, 4)."""
    return base64.b64encode(data).decode("ascii")


def parse_base64(text: str, field: str, size: int | None = None) -> bytes:
    """Canonical standard base64: padding present, unused bits zero, no other character."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error, TypeError):
        raise FormatError("not base64", field) from None
    if encode_base64(data) != text:
        raise FormatError("not canonical base64", field)
    if size is not None and len(data) != size:
        raise FormatError(f"not {size} bytes of base64", field)
    return data


def encode_base64url(data: bytes) -> str:
    """Base64 as it goes into a link: the URL-safe alphabet, no padding (RFC 4648, 5)."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def parse_base64url(text: str, field: str, size: int | None = None) -> bytes:
    """Canonical base64url: no padding, unused bits zero, no other character."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise FormatError("not base64url", field)
    standard = text.replace("-", "+").replace("_", "/")
    return parse_base64(standard + "=" * (-len(text) % 4), field, size)


def parse_identifier(text: str, field: str, longest: int = 200) -> str:
    """An origin, policy id or proposal id: ``A-Z a-z 0-9 . _ - /`` only (protocol.md 3)."""
    if not isinstance(text, str) or len(text) > longest or not _IDENTIFIER.fullmatch(text):
        raise FormatError("only A-Z a-z 0-9 . _ - / are allowed", field)
    return text


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 form of ``value``, with the limits of protocol.md 5.

    Raises
    ------
    FormatError
        a string that is not in NFC, an integer of 2^53 or beyond, a float, nesting over 64 levels
        deep, or a type without JSON form.
    """
    _check_json(value, "", _DEEPEST)
    # Python's own encoder is ten times as fast and differs in one thing: it orders member names
    # by code points and not by UTF-16. Where all is ASCII that is the same.
    text = _PLAIN.encode(value)
    return text.encode("ascii") if text.isascii() else rfc8785.dumps(value)


def parse_json(data: bytes, field: str = "body") -> Any:
    """Strict JSON: UTF-8, no duplicate member, no NaN, no float, integers below 2^53, NFC."""
    value = _read_json(data, field)
    _check_json(value, "", _DEEPEST)
    return value


def parse_canonical_json(data: bytes, field: str) -> Any:
    """The same; ``FormatError`` too unless these bytes are the :func:`canonical_json` of it."""
    value = _read_json(data, field)
    if canonical_json(value) != data:
        raise FormatError("not the canonical form of JSON", field)
    return value


def _read_json(data: bytes, field: str) -> Any:
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_refuse_constant,
            parse_int=_exact_integer,
        )
    except FormatError:
        raise
    except RecursionError:
        raise FormatError("nested too deeply", field) from None
    except ValueError:
        raise FormatError("not JSON", field) from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise FormatError("a member occurs twice", "body")
    return members


def _refuse_constant(_text: str) -> Any:
    raise FormatError("only whole numbers are allowed", "body")


def _exact_integer(text: str) -> int:
    if len(text) > 17:
        raise FormatError("an integer of 2^53 or beyond", "body")
    return int(text)


def _check_json(value: Any, path: str, levels: int) -> None:
    if _is_plain(value, levels):
        return
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, int):
        if not -_MAX_EXACT_INTEGER <= value <= _MAX_EXACT_INTEGER:
            raise FormatError("an integer of 2^53 or beyond", path or "body")
    elif isinstance(value, dict | list | tuple):
        if levels == 0:
            raise FormatError("nested too deeply", path or "body")
        for place, member in _members(value, path):
            _check_json(member, place, levels - 1)
    else:
        raise FormatError("not a JSON value", path or "body")


def _is_plain(value: Any, levels: int) -> bool:
    """Whether there is nothing to look at more closely, as in most of what is read: all ASCII."""
    kind = type(value)
    if kind is str:
        return bool(value.isascii())
    if kind is int:
        return bool(-_MAX_EXACT_INTEGER <= value <= _MAX_EXACT_INTEGER)
    if kind is dict:
        named = all(type(name) is str and name.isascii() for name in value)
        return levels > 0 and named and _are_plain(value.values(), levels - 1)
    if kind is list:
        return levels > 0 and _are_plain(value, levels - 1)
    return value is None or kind is bool


def _are_plain(values: Iterable[Any], levels: int) -> bool:
    """Quickly for text, which most values are."""
    for value in values:
        if type(value) is str:
            if not value.isascii():
                return False
        elif not _is_plain(value, levels):
            return False
    return True


def _members(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield from ((f"{path}[{position}]", member) for position, member in enumerate(value))
        return
    for key, member in value.items():
        _check_text(key, path)
        yield f"{path}.{key}" if path else key, member


def _check_text(text: Any, path: str) -> None:
    if not isinstance(text, str):
        raise FormatError("a member name is not text", path or "body")
    if not text.isascii():
        require_nfc(text, path or "body")
