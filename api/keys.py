"""Who may write: one operator, and each merchant's keys for its own logs, as far as each goes.

A merchant's key is ``kv_<merchant id>_<64 hex digits>``, a sandbox's begins with ``test_``. It says
whose it is, so that one found where it should not be can be traced, and so that its hash is
compared with one of that merchant's only. The 256 random bits need no slow hash.

Keys end by the real time, those of sandboxes too: who may write is nothing that is tried there.
"""

import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import Connection

from api.key_table import (
    ApiKey,
    KeyWanted,
    Scope,
    change_end,
    count_keys,
    enter_key,
    find_key,
    forget_expired,
    keys_of,
    note_use,
    remove_key,
    remove_keys,
)
from api.problems import Unauthorised
from commitments.clock import Clock
from commitments.errors import FormatError, Overloaded, Refused
from commitments.sandbox import is_sandbox
from issuer.merchants import Merchant
from ledger.events import event_time
from ledger.once import Once, unless_done
from ledger.store import Store, Transaction

__all__ = ["MOST_GRACE", "MerchantKeys", "check_operator_key"]

T = TypeVar("T")

MOST_GRACE = 168
"""Hours, seven days: for how long a key that has been replaced can stay good."""

_KEY_BYTES = 32
_ID_BYTES = 6  # tells a merchant's keys apart; the table refuses a second key with the same
_NO_HASH = bytes(32)
_MOST_KEYS = 100  # of a merchant: one for each till of a small chain, and for each integration

_FIRST = KeyWanted("first key", ("all",))
_RECOVERY = KeyWanted("recovery", ("all",))


class MerchantKeys:
    """The API keys of all merchants."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def check(self, key: str | None, merchant_id: str, scope: Scope) -> None:
        """``Unauthorised`` for no good key of any merchant, ``Refused`` for one that may not.

        That a key was used is noted, once a day; a database that cannot do so now is no reason to
        refuse it.
        """
        with self._store.read() as connection:
            found = self._find(connection, key)
        if _holder(key or "") != merchant_id:
            raise Refused("foreign-merchant", "this key is another merchant's")
        if not found.may(scope):
            raise Refused("foreign-scope", f"this key has not the scope {scope}")
        today = self._clock().date()
        if found.last_used is None or found.last_used < today:
            with suppress(Overloaded):
                self._store.commit(lambda tx: note_use(tx.connection, merchant_id, found.id, today))

    def issue_first(self, merchant: Merchant) -> str:
        """The key that a merchant begins with, which cannot be shown again."""
        key, made = self._make(merchant, _FIRST)
        self._store.commit(lambda tx: enter_key(tx.connection, merchant.id, made))
        return key

    def withdraw(self, key: str) -> None:
        """Make a key worthless whose merchant does not come to be."""
        self._store.commit(lambda tx: remove_key(tx.connection, _holder(key), _id(_hash(key))))

    def withdraw_all(self, merchant: Merchant) -> None:
        """Make all keys of a merchant worthless."""
        self._locked(merchant, lambda tx: remove_keys(tx.connection, merchant.id))

    def recover(self, merchant: Merchant) -> dict[str, Any]:
        """A key for everything, for a merchant that has none left; its document with the key.

        Its other keys stay as they are.
        """
        return self._locked(merchant, lambda tx: self._issue(tx.connection, merchant, _RECOVERY))

    def of(self, merchant: Merchant) -> list[ApiKey]:
        """The merchant's good keys: oldest first, and by label within a day."""
        with self._store.read() as connection:
            known = keys_of(connection, merchant.id)
        return [key for key in known if self._is_good(key)]

    def create(
        self, merchant: Merchant, by: str, wanted: KeyWanted, once: Once | None = None
    ) -> dict[str, Any]:
        """Another key, made with the key ``by``; its document with the key itself.

        ``Refused`` for more than ``by`` may do itself, for a moment that has passed, and for more
        keys than a merchant can have.
        """

        def unit(transaction: Transaction) -> dict[str, Any]:
            if wanted.expires is not None and wanted.expires <= self._now():
                raise Refused("past-date", "the key would have expired already", "expires")
            connection = transaction.connection
            maker = self._find(connection, by)
            maker.require_power_over(wanted.scopes, wanted.expires)
            return self._issue(connection, merchant, wanted)

        return self._locked(merchant, unit, once)

    def rotate(
        self, merchant: Merchant, by: str, key_id: str, grace: int, once: Once | None = None
    ) -> dict[str, Any]:
        """A new key in the place of one that stays good for ``grace`` hours; as :meth:`create`.

        The new key has the scopes and the end of the old one.
        """
        if grace > MOST_GRACE:
            raise FormatError(f"more than {MOST_GRACE} hours", "grace_hours")

        def unit(transaction: Transaction) -> dict[str, Any]:
            connection = transaction.connection
            old = self._target(connection, merchant, by, key_id)
            made = self._issue(connection, merchant, KeyWanted(old.label, old.scopes, old.expires))
            grace_ends = event_time(self._clock() + timedelta(hours=grace))
            end = min(old.expires or grace_ends, grace_ends)
            change_end(connection, merchant.id, old.id, end)
            return {**made, "replaces": replace(old, expires=end).document()}

        return self._locked(merchant, unit, once)

    def revoke(
        self, merchant: Merchant, by: str, key_id: str, once: Once | None = None
    ) -> dict[str, Any]:
        """Make a key worthless at once, for every process; the document of what it was."""

        def unit(transaction: Transaction) -> dict[str, Any]:
            old = self._target(transaction.connection, merchant, by, key_id)
            remove_key(transaction.connection, merchant.id, old.id)
            return old.document()

        return self._locked(merchant, unit, once)

    def _locked(
        self, merchant: Merchant, unit: Callable[[Transaction], T], once: Once | None = None
    ) -> T:
        """The result of ``unit``, or of the same request when it was done.

        The merchant's log is locked meanwhile, so that the key that is used is still good when
        what it asks for becomes durable, and nobody enters another key at the same time.
        """
        return self._store.commit(unless_done(unit, once), merchant.origin)

    def _target(self, connection: Connection, merchant: Merchant, by: str, key_id: str) -> ApiKey:
        """The key that is meant, if the key ``by`` may change it."""
        user = self._find(connection, by)
        meant = find_key(connection, merchant.id, key_id)
        if meant is None or not self._is_good(meant):
            raise Refused("unknown-key", "the merchant has no such key", "key")
        user.require_power_over(meant.scopes, meant.expires)
        return meant

    def _find(self, connection: Connection, key: str | None) -> ApiKey:
        """What is known of a key that was sent; ``Unauthorised`` unless it is good."""
        hashed = _hash(key or "")
        found = find_key(connection, _holder(key or ""), _id(hashed))
        same = hmac.compare_digest(hashed, _NO_HASH if found is None else found.key_hash)
        if found is None or not same or not self._is_good(found):
            raise Unauthorised("this needs the merchant's API key")
        return found

    def _issue(
        self, connection: Connection, merchant: Merchant, wanted: KeyWanted
    ) -> dict[str, Any]:
        forget_expired(connection, merchant.id, self._now())
        if count_keys(connection, merchant.id) >= _MOST_KEYS:
            raise Refused("too-many", f"a merchant has at most {_MOST_KEYS} keys")
        key, made = self._make(merchant, wanted)
        enter_key(connection, merchant.id, made)
        return {**made.document(), "api_key": key}

    def _make(self, merchant: Merchant, wanted: KeyWanted) -> tuple[str, ApiKey]:
        key = f"{_prefix(merchant)}_{merchant.id}_{secrets.token_hex(_KEY_BYTES)}"
        hashed, today = _hash(key), self._clock().date()
        return key, ApiKey(
            _id(hashed), wanted.label, wanted.scopes, today, None, wanted.expires, hashed
        )

    def _now(self) -> str:
        return event_time(self._clock())

    def _is_good(self, key: ApiKey) -> bool:
        return key.expires is None or key.expires > self._now()


def check_operator_key(key: str | None, expected: str) -> None:
    """``Unauthorised`` unless ``key`` is the operator's."""
    # Hashes have one length: comparing the keys themselves would tell the length.
    if key is None or not hmac.compare_digest(_hash(key), _hash(expected)):
        raise Unauthorised("this needs the operator's key")


def _prefix(merchant: Merchant) -> str:
    """What a merchant's keys begin with, or a sandbox's."""
    return "test" if is_sandbox(merchant.origin) else "kv"


def _holder(key: str) -> str:
    return key.partition("_")[2].rpartition("_")[0]


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _id(key_hash: bytes) -> str:
    return key_hash[:_ID_BYTES].hex()
