"""A request and a receipt as ``kvitto:`` links, which fit into QR codes (docs/buyers.md).

::

    kvitto:request/1/<base64url of B and its proof>
    kvitto:receipt/1/<tag>/<part>.<parts>/<base64url, or a piece of it>

1 is the version of the form. A request has one length, whatever it is for: the shop knows itself
and the order, and the proof holds for these two only. A receipt has, behind ``LP`` (protocol.md 2)
of the JSON of what was sold, the hashes of its tlog-proof as bytes, behind their number, and the
checkpoint as it was signed. Nothing of the proof is left out: a wallet that fetched it would tell
the service at which address this purchase is kept.

Where a receipt is longer than a QR code should be, each of several holds a part. The tag, the first
four bytes of the SHA-256 of the whole in hex, keeps parts of different receipts apart. Against
changes it is no protection; the wallet checks a receipt wherever it comes from.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from commitments.errors import FormatError
from commitments.wire import (
    canonical_json,
    encode_base64url,
    le,
    lp,
    parse_base64url,
    parse_decimal,
    parse_json,
)
from ledger.merkle import HASH_BYTES
from ledger.tlog_proof import TlogProof
from sdk.receipts import receipt_order
from sdk.state import GROUP
from zk.issuance import BuyerRequest, request_sizes

__all__ = [
    "LONGEST_IN_CODE",
    "SCHEME",
    "parse_receipt_links",
    "parse_request_link",
    "receipt_link",
    "receipt_parts",
    "request_link",
]

SCHEME = "kvitto:"
LONGEST_IN_CODE = 331
"""Characters of a link in one QR code: what version 13 holds at level M. It fits 80 columns of a
terminal, and a telephone reads it from there. A request is shorter."""
_REQUEST = f"{SCHEME}request/1/"
_RECEIPT = f"{SCHEME}receipt/1/"
_PART = re.compile(
    rf"{_RECEIPT}([0-9a-f]{{8}})/([1-9][0-9]?)\.([1-9][0-9]?)/([A-Za-z0-9_-]+)", re.ASCII
)
_MOST_PARTS = 99
_LONGEST = 1 << 21  # characters; a tlog-proof has at most half as many bytes
_FIELD = "link"


def request_link(request: BuyerRequest) -> str:
    """The request as a link: 232 characters."""
    return _REQUEST + encode_base64url(request.commitment + request.proof)


def parse_request_link(link: str) -> BuyerRequest:
    """Read :func:`request_link`; ``FormatError`` for any other text."""
    if not link.startswith(_REQUEST):
        raise FormatError("not the link of a request that this version reads", _FIELD)
    point, proof = request_sizes(GROUP)
    data = parse_base64url(link.removeprefix(_REQUEST), _FIELD, point + proof)
    return BuyerRequest(data[:point], data[point:])


def receipt_link(receipt: Any) -> str:
    """The receipt, the JSON object that a shop returns, as one link.

    Some 1,400 characters in a log of a million, 160 more for each Ed25519 cosignature and 4,300 for
    one of ML-DSA-44.

    ``FormatError`` for what is no receipt.
    """
    (link,) = _links(_encode(receipt), _LONGEST)
    return link


def receipt_parts(receipt: Any) -> list[str]:
    """The receipt as links of at most :data:`LONGEST_IN_CODE` characters, each for a QR code.

    Five in a log of a million without cosignatures. ``FormatError`` for what is no receipt, and for
    one that needs more than 99.
    """
    return _links(_encode(receipt), LONGEST_IN_CODE)


def parse_receipt_links(links: Sequence[str]) -> dict[str, Any]:
    """The receipt in one link, or in all parts of one, in any order and some perhaps twice.

    ``FormatError`` for anything else; says which part is missing.
    """
    found = [_PART.fullmatch(link) for link in links if len(link) <= _LONGEST]
    parts = {match.groups() for match in found if match}
    if len(found) != len(links) or not all(found) or not parts:
        raise FormatError("not the link of a receipt that this version reads", _FIELD)
    if len({(tag, count) for tag, _, count, _ in parts}) != 1:
        raise FormatError("parts of different receipts", _FIELD)
    tag, _, count, _ = next(iter(parts))
    pieces = {number: piece for _, number, _, piece in parts}
    wanted = [str(n + 1) for n in range(parse_decimal(count, _FIELD))]
    missing = [number for number in wanted if number not in pieces]
    if missing:
        raise FormatError(f"part {missing[0]} of {count} is missing", _FIELD)
    if len(parts) != len(wanted):
        raise FormatError("not the parts of one receipt", _FIELD)
    data = parse_base64url("".join(pieces[number] for number in wanted), _FIELD)
    if _tag(data) != tag:
        raise FormatError("some characters are wrong or missing", _FIELD)
    return _decode(data)


def _links(data: bytes, longest: int) -> list[str]:
    text = encode_base64url(data)
    room = longest - len(f"{_RECEIPT}{_tag(data)}/{_MOST_PARTS}.{_MOST_PARTS}/")
    pieces = [text[start : start + room] for start in range(0, len(text), room)]
    if len(pieces) > _MOST_PARTS:
        raise FormatError("too long for QR codes: hand it over as a file", "receipt")
    return [
        f"{_RECEIPT}{_tag(data)}/{number}.{len(pieces)}/{piece}"
        for number, piece in enumerate(pieces, 1)
    ]


def _tag(data: bytes) -> str:
    return sha256(data).hexdigest()[:8]


def _encode(receipt: Any) -> bytes:
    receipt_order(receipt)
    proof = TlogProof.parse(receipt["proof"].encode("utf-8"))
    if proof.extra or proof.index != receipt["index"]:
        raise FormatError("not a proof of this entry alone", "receipt.proof")
    sold = {name: receipt[name] for name in ("index", "order", "origin", "sale")}
    hashes = le(len(proof.hashes), 1) + b"".join(proof.hashes)
    return lp(canonical_json(sold)) + hashes + proof.checkpoint


def _decode(data: bytes) -> dict[str, Any]:
    size = int.from_bytes(data[:4], "little")
    sold, rest = data[4 : 4 + size], data[4 + size :]
    end = 1 + HASH_BYTES * int.from_bytes(rest[:1], "little")
    document = parse_json(sold, _FIELD)
    if not isinstance(document, dict) or len(rest) < end:
        raise FormatError("not a receipt", _FIELD)
    hashes = tuple(rest[at : at + HASH_BYTES] for at in range(1, end, HASH_BYTES))
    index = document.get("index")
    if type(index) is not int or index < 0:
        raise FormatError("not an index", "receipt.index")
    try:
        proof = TlogProof(index, hashes, rest[end:]).serialise().decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("not a checkpoint", _FIELD) from None
    receipt = {"type": "receipt", **document, "proof": proof}
    if _encode(receipt) != data:  # one spelling
        raise FormatError("not a receipt", _FIELD)
    return receipt
