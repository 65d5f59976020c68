"""The shop's service, as a wallet sees it: what it says, not what of it is true."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_bytes
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from aftersales.versions import READ_EVENTS
from commitments.errors import FormatError
from commitments.mailbox import ADDRESS_BYTES, BOX_BYTES, LOOKUP_BOXES, sign_deletion
from commitments.sandbox import MOST_AHEAD
from commitments.wire import encode_base64, parse_base64, parse_identifier
from ledger.events import events_origin
from ledger.evidence import EventEvidence
from ledger.key_history import KEY_EVENTS, parse_shown_keys
from ledger.merkle import HASH_BYTES
from ledger.note import Verifier, parse_vkey
from ledger.rings import RingEvidence, RingName
from ledger.tiles import MAX_ENTRY_BYTES, TILE_WIDTH, Tile, bundle_path, tile_path
from policies.claim import ClaimBody
from policies.transfer import TransferBody
from sdk.connection import NOTE, TILE, Connection, Received
from sdk.errors import UnexpectedAnswer
from sdk.kept_answers import Answer, KeptAnswers, OfflineTransport
from zk.issuance import BuyerRequest

__all__ = ["LONGEST_BUNDLE", "LogKeys", "LogKind", "Shop"]

LogKind = Literal["purchases", "events"]

LONGEST_BUNDLE = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)
"""Bytes of 256 entries of the largest size."""

_ITSELF = ("localhost", "127.0.0.1", "::1")
_MERCHANT = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_EVENT_TYPES = ",".join([*KEY_EVENTS, *READ_EVENTS, "recall.published"])
_LONGEST_NOTE = 128 * 1024  # as ledger.note
_LONGEST_ANSWER = 1 << 20
_LONGEST_KEYS = 16 << 20  # a change of a witness's keys is 11 kB, in each of the farewells after it
_LONGEST_EVENTS = 32 << 20  # ten years of daily closes and some hundred policies are 5 MB
_LONGEST_RING = 8 << 20  # a cell of 4,096, each with its entry and ten hashes, is 3 MB
_LONGEST_CASE = 4 << 20  # 64 steps, each with its proof, are 300 kB
_LONGEST_INBOX = 64 << 20  # all that a merchant may attach to the steps of one claim
_LONGEST_BOXES = 1 << 18  # 32 boxes in base64 are 175 kB
_PARALLEL = 4  # tiles fetched at once


@dataclass(frozen=True)
class LogKeys:
    """A merchant's origin and the public keys of its two logs, as the service names them."""

    origin: str
    purchases: Verifier
    events: Verifier


class Shop:
    """The service at ``base_url`` and one ``merchant`` of it.

    Who claims for two purchases through one ``Shop`` may do so over one connection, and asks once
    for a ring that both are in: the service sees that. Nothing else in the requests links them.
    ``transport`` is httpx's seam for proxies and for tests. ``FormatError`` for a URL or an id that
    cannot be one, and for plain http to another machine, which everybody on the way can read and
    change, unless ``insecure`` says that this is known.
    """

    def __init__(
        self,
        base_url: str,
        merchant: str,
        *,
        insecure: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if not _MERCHANT.fullmatch(merchant):
            raise FormatError("not a merchant's id", "merchant")
        base = _checked_url(base_url, insecure=insecure)
        self.merchant = merchant
        self.address = f"{base}/v1/merchants/{merchant}"
        self._connection = Connection(base, transport)
        self._root = f"/v1/merchants/{merchant}"

    def __repr__(self) -> str:
        return f"Shop({self.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @classmethod
    def offline(cls, address: str, kept: KeptAnswers) -> Self:
        """The shop at :attr:`address`, asking nobody and answering from what was kept."""
        return cls.at(address, insecure=True, transport=OfflineTransport(kept))

    @classmethod
    def at(
        cls,
        address: str,
        *,
        insecure: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> Self:
        """The shop at the :attr:`address` of an earlier one."""
        base_url, _, merchant = address.rpartition("/v1/merchants/")
        return cls(base_url, merchant, insecure=insecure, transport=transport)

    def recording(self) -> AbstractContextManager[dict[str, Answer]]:
        """All public data that is fetched meanwhile, as it came, for :meth:`offline`."""
        return self._connection.recording()

    def watch(self, received: Received) -> None:
        """From now on call ``received`` with how many bytes have come, whenever some have."""
        self._connection.watch(received)

    # ---- public data

    def keys(self) -> LogKeys:
        """Origin and keys that the service names for this merchant. To be pinned once."""
        answer = self._connection.get_json(self._root, _LONGEST_ANSWER)
        origin = parse_identifier(_text(answer, "origin"), "origin")
        purchases = parse_vkey(_text(answer, "purchases_vkey"))
        events = parse_vkey(_text(answer, "events_vkey"))
        if origin.rpartition("/")[2] != self.merchant:
            raise FormatError("the origin is another merchant's", "origin")
        if (purchases.name, events.name) != (origin, events_origin(origin)):
            raise FormatError("the keys are not those of the merchant's logs", "purchases_vkey")
        return LogKeys(origin, purchases, events)

    def ahead(self) -> timedelta:
        """How far the clock of this sandbox is before the real time.

        ``Refused`` by a shop, whose clock shows the real time.
        """
        answer = self._connection.get_json(f"{self._root}/clock", _LONGEST_ANSWER)
        seconds = answer.get("ahead") if isinstance(answer, dict) else None
        if type(seconds) is not int or not 0 <= seconds <= MOST_AHEAD // timedelta(seconds=1):
            raise UnexpectedAnswer("the sandbox's clock shows no possible time")
        return timedelta(seconds=seconds)

    def events(self) -> EventEvidence:
        """The declaration, all closes, policies and notices, with their proof."""
        path = f"{self._root}/events"
        return EventEvidence.parse(
            self._connection.get_json(path, _LONGEST_EVENTS, {"types": _EVENT_TYPES})
        )

    def checkpoint(self, log: LogKind) -> bytes:
        """The newest checkpoint of a log, a signed note."""
        return self._connection.get(self._log_path(log, "checkpoint"), NOTE, _LONGEST_NOTE)

    def keys_shown(self) -> list[EventEvidence]:
        """The evidence for the keys that the logs have had, those signed by old keys first."""
        path = f"/logs/{self.merchant}/keys.json"
        return parse_shown_keys(self._connection.get_json(path, _LONGEST_KEYS))

    def tiles(self, log: LogKind) -> Callable[[Sequence[Tile]], Sequence[bytes]]:
        """How to fetch tiles of a log, for :class:`ledger.tiles.TileReader`."""

        def fetch(wanted: Sequence[Tile]) -> list[bytes]:
            with ThreadPoolExecutor(_PARALLEL, "tiles") as pool:
                return list(pool.map(fetch_one, wanted))

        def fetch_one(tile: Tile) -> bytes:
            path = tile_path(tile.level, tile.index, tile.width)
            return self._connection.get(self._log_path(log, path), TILE, TILE_WIDTH * HASH_BYTES)

        return fetch

    def bundle(self, log: LogKind, index: int, width: int, longest: int) -> bytes:
        """A bundle of entries of a log, for :func:`ledger.tiles.decode_bundle`.

        ``UnexpectedAnswer`` for one of more than ``longest`` bytes.
        """
        path = self._log_path(log, bundle_path(index, width))
        return self._connection.get(path, TILE, longest)

    def ring(self, name: RingName) -> tuple[RingEvidence, bytes]:
        """A ring's evidence, and the signed checkpoint of the purchase log that it is under."""
        query = {
            "first": str(name.first),
            "size": str(name.size),
            "voided_at": str(name.voided_at),
            "lane": str(name.lane),
        }
        answer = self._connection.get_json(f"{self._root}/ring", _LONGEST_RING, query)
        note = _text(answer, "checkpoint")
        return RingEvidence.from_json(answer.get("ring")), note.encode("utf-8")

    # ---- requests

    def redeem(self, code: str, request: BuyerRequest) -> Any:
        """The receipt for a slip's one-time code; the code is the order's reference."""
        document = {"code": code, "request": request.document()}
        return self._connection.post_json(f"{self._root}/redemptions", document, _LONGEST_ANSWER)

    def submit(self, body: ClaimBody, proof: bytes) -> Any:
        """The decision on a claim."""
        document = {"claim": body.document(), "proof": encode_base64(proof)}
        return self._connection.post_json(f"{self._root}/claims", document, _LONGEST_ANSWER)

    def decision(self, claim_id: str) -> Any:
        """The decision on an approved claim, as it stands."""
        return self._connection.get_json(f"{self._root}/claims/{claim_id}", _LONGEST_ANSWER)

    def retire(self, claim_id: str, secret: bytes) -> Any:
        """Send an owner's secret, which ends the ownership. Only :meth:`Wallet.retire` may."""
        path = f"{self._root}/claims/{claim_id}/retirement"
        return self._connection.post_json(path, {"secret": secret.hex()}, _LONGEST_ANSWER)

    def case(self, claim_id: str) -> Any:
        """What has followed a claim, with proofs."""
        return self._connection.get_json(f"{self._root}/claims/{claim_id}/case", _LONGEST_CASE)

    def watch_case(self, claim_id: str, last: int) -> Iterator[str]:
        """The ids of the events of a case behind place ``last`` of the log, as they come.

        As :meth:`sdk.connection.Connection.events`.
        """
        return self._connection.events(f"{self._root}/claims/{claim_id}/stream", last)

    def take_step(self, step: Mapping[str, Any], attachments: Sequence[bytes]) -> Any:
        """The case after a step of the buyer's, which it has signed."""
        path = f"{self._root}/claims/{step['claim_id']}/steps"
        document = {"step": dict(step), "attachments": list(map(encode_base64, attachments))}
        return self._connection.post_json(path, document, _LONGEST_CASE)

    def inbox(self, claim_id: str, time: str, signature: str) -> Any:
        """What the merchant has written to the buyer of this claim, encrypted."""
        path = f"{self._root}/claims/{claim_id}/inbox"
        document = {"time": time, "signature": signature}
        return self._connection.post_json(path, document, _LONGEST_INBOX)

    def erase(self, claim_id: str, time: str, signature: str) -> Any:
        """Have all attachments of a claim erased."""
        path = f"{self._root}/claims/{claim_id}/erasure"
        document = {"time": time, "signature": signature}
        return self._connection.post_json(path, document, _LONGEST_ANSWER)

    def transfer(self, body: TransferBody, proof: bytes) -> Any:
        """The answer to a transfer."""
        document = {"transfer": body.document(), "proof": encode_base64(proof)}
        return self._connection.post_json(f"{self._root}/transfers", document, _LONGEST_ANSWER)

    def transferred(self, transfer_id: str) -> Any:
        """The answer to an approved transfer, as it stands."""
        return self._connection.get_json(f"{self._root}/transfers/{transfer_id}", _LONGEST_ANSWER)

    def complete_transfer(self, transfer_id: str, secret: bytes) -> Any:
        """Send an owner's secret, as :meth:`retire`. Only :meth:`Wallet.complete_transfer` may."""
        path = f"{self._root}/transfers/{transfer_id}/retirement"
        return self._connection.post_json(path, {"secret": secret.hex()}, _LONGEST_ANSWER)

    # ---- the mailbox

    def deposit(self, address: bytes, delete_key: bytes, ciphertext: bytes) -> None:
        """Leave a box of 4,096 bytes under ``address``; the same box again is no other.

        ``delete_key`` is the Ed25519 public key of :meth:`delete_box`. ``Refused``:
        ``duplicate-box`` for an address that has another, ``already-deleted`` where it was
        deleted, ``mailbox-full`` while the service has no room for more.
        """
        _require_size(ciphertext, BOX_BYTES, "ciphertext")
        document = {
            "address": _address(address),
            "delete_key": delete_key.hex(),
            "ciphertext": encode_base64(ciphertext),
        }
        self._require_status("deposits", document, "kept")

    def fetch_boxes(self, addresses: Sequence[bytes]) -> list[bytes | None]:
        """What lies under each of at most 32 addresses; None where nothing does.

        One request, which always names 32, filled up with random ones, in an order that tells
        nothing of that of ``addresses``.
        """
        if len(addresses) > LOOKUP_BOXES:
            raise FormatError(f"more than {LOOKUP_BOXES} addresses", "addresses")
        padding = [token_bytes(ADDRESS_BYTES) for _ in range(LOOKUP_BOXES - len(addresses))]
        asked = sorted(map(_address, [*addresses, *padding]))
        path = f"{self._root}/mailbox/lookups"
        answer = self._connection.post_json(path, {"addresses": asked}, _LONGEST_BOXES)
        found = dict(zip(asked, _parse_boxes(answer), strict=True))
        if any(found[_address(other)] is not None for other in padding):
            raise UnexpectedAnswer("the shop's mailbox has a box where nobody has left one")
        return [found[_address(address)] for address in addresses]

    def delete_box(self, origin: str, address: bytes, private_key: bytes) -> None:
        """Delete a box with the private key (32 bytes) of its ``delete_key``, once or again.

        ``Refused`` with ``unknown-box`` where there never was one.
        """
        signature = sign_deletion(origin, address, private_key)
        document = {"address": _address(address), "signature": signature.hex()}
        self._require_status("deletions", document, "deleted")

    def _require_status(self, what: str, document: Any, status: str) -> None:
        path = f"{self._root}/mailbox/{what}"
        if self._connection.post_json(path, document, _LONGEST_ANSWER) != {"status": status}:
            raise UnexpectedAnswer(f"the shop does not say that the box is {status}")

    def _log_path(self, log: LogKind, path: str) -> str:
        return f"/logs/{self.merchant}/{log}/{path}"


def _checked_url(base_url: str, *, insecure: bool) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise FormatError("not a URL", "base_url") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise FormatError("not the URL of a service, such as https://shop.example", "base_url")
    if url.userinfo:
        raise FormatError("holds a name or a password, which would tell who comes", "base_url")
    if url.scheme == "http" and url.host not in _ITSELF and not insecure:
        raise FormatError(
            "plain http to another machine can be read on the way: use https", "base_url"
        )
    return base_url.rstrip("/")


def _address(address: bytes) -> str:
    _require_size(address, ADDRESS_BYTES, "address")
    return address.hex()


def _require_size(data: bytes, size: int, field: str) -> None:
    if len(data) != size:
        raise FormatError(f"not {size} bytes", field)


def _parse_boxes(answer: Any) -> list[bytes | None]:
    boxes = answer.get("boxes") if isinstance(answer, dict) and len(answer) == 1 else None
    if not isinstance(boxes, list) or len(boxes) != LOOKUP_BOXES:
        raise UnexpectedAnswer(f"the shop does not answer with {LOOKUP_BOXES} boxes")
    try:
        return [None if box is None else parse_base64(box, "boxes", BOX_BYTES) for box in boxes]
    except FormatError as error:
        raise UnexpectedAnswer(f"the shop's boxes: {error}") from None


def _text(answer: Any, name: str) -> str:
    text = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(text, str):
        raise FormatError("not text", name)
    return text
