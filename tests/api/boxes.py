"""Bodies of requests to the mailbox of ``acme``, all by one wallet."""

from typing import Any

from commitments.mailbox import BOX_BYTES, LOOKUP_BOXES, sign_deletion
from commitments.wire import encode_base64
from ledger.note import Signer
from tests.world import ORIGIN

PRIVATE_KEY = b"d" * 32
PUBLIC_KEY = Signer(ORIGIN, PRIVATE_KEY).verifier.public_key


def deposit(address: bytes, content: bytes = b"c", **changes: Any) -> dict[str, Any]:
    body = {
        "address": address.hex(),
        "delete_key": PUBLIC_KEY.hex(),
        "ciphertext": encode_base64((content * BOX_BYTES)[:BOX_BYTES]),
    }
    return {**body, **changes}


def lookup(*addresses: bytes) -> dict[str, Any]:
    """Padded with addresses that have no box."""
    padding = [bytes([255, n]) * 16 for n in range(LOOKUP_BOXES - len(addresses))]
    return {"addresses": [address.hex() for address in (*addresses, *padding)]}


def deletion(address: bytes, origin: str = ORIGIN, key: bytes = PRIVATE_KEY) -> dict[str, Any]:
    return {"address": address.hex(), "signature": sign_deletion(origin, address, key).hex()}
