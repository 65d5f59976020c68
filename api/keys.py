"""Who may write: one operator, and each merchant for its own logs.

A merchant's key is ``kv_<merchant id>_<64 hex digits>``: it says whose it is, so that one found
where it should not be can be traced, and so that its hash is compared with that merchant's only.
The 256 random bits need no slow hash; only their SHA-256 is stored.
"""

import hmac
import secrets
from hashlib import sha256

from sqlalchemy import Column, LargeBinary, String, Table, delete, insert, select

from api.problems import Unauthorised
from commitments.errors import Refused
from ledger.schema import metadata
from ledger.store import Store

__all__ = ["MerchantKeys", "check_operator_key"]

_KEY_BYTES = 32

merchant_keys = Table(
    "merchant_keys",
    metadata,
    Column("merchant", String, primary_key=True),
    Column("key_hash", LargeBinary, primary_key=True),
)


class MerchantKeys:
    """The API keys of all merchants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def issue(self, merchant_id: str) -> str:
        """A fresh key for this merchant, which cannot be shown again."""
        key = f"kv_{merchant_id}_{secrets.token_hex(_KEY_BYTES)}"
        row = {"merchant": merchant_id, "key_hash": _hash(key)}
        self._store.write(lambda tx: tx.connection.execute(insert(merchant_keys), row))
        return key

    def withdraw(self, key: str) -> None:
        """Make a key worthless."""
        unwanted = delete(merchant_keys).where(merchant_keys.c.key_hash == _hash(key))
        self._store.write(lambda tx: tx.connection.execute(unwanted))

    def check(self, key: str | None, merchant_id: str) -> None:
        """``Unauthorised`` for no key of any merchant, ``Refused`` for that of another."""
        if key is None or not self._is_known(key):
            raise Unauthorised("this needs the merchant's API key")
        if _holder(key) != merchant_id:
            raise Refused("foreign-merchant", "this key is another merchant's")

    def _is_known(self, key: str) -> bool:
        query = select(merchant_keys.c.key_hash).where(merchant_keys.c.merchant == _holder(key))
        with self._store.read() as connection:
            stored = connection.scalars(query).all()
        return any(hmac.compare_digest(_hash(key), known) for known in stored)


def check_operator_key(key: str | None, expected: str) -> None:
    """``Unauthorised`` unless ``key`` is the operator's."""
    # Hashes have one length: comparing the keys themselves would tell the length.
    if key is None or not hmac.compare_digest(_hash(key), _hash(expected)):
        raise Unauthorised("this needs the operator's key")


def _holder(key: str) -> str:
    return key.removeprefix("kv_").rpartition("_")[0]


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()
