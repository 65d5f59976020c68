"""API keys as the database has them: what each is called, how far it goes and until when.

Of a key only the SHA-256 is here; the id by which people speak of it is the beginning of that.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal, get_args

from sqlalchemy import (
    Column,
    Connection,
    Date,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from commitments.errors import FormatError, Refused
from ledger.events import parse_event_time
from ledger.schema import metadata

__all__ = [
    "ApiKey",
    "KeyWanted",
    "Scope",
    "change_end",
    "count_keys",
    "enter_key",
    "find_key",
    "forget_expired",
    "keys_of",
    "note_use",
    "remove_key",
    "remove_keys",
]

Scope = Literal["all", "sales", "policies", "claims", "webhooks", "keys"]
"""What a key may do; ``all`` is everything, also what later versions add."""
_SCOPES: tuple[str, ...] = get_args(Scope)
_ALL = "all"
_LONGEST_LABEL = 100

api_keys = Table(
    "api_keys",
    metadata,
    Column("merchant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("key_hash", LargeBinary, nullable=False),
    Column("label", String, nullable=False),
    Column("scopes", String, nullable=False),
    Column("created", Date, nullable=False),
    Column("last_used", Date),
    Column("expires", String),
)
"""The keys that are good, by the id that people see; scopes are separated by spaces."""


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key: not the key itself.

    ``last_used`` is a day, of which two uses make one; ``expires`` a moment as events have it, or
    None for a key that is good until it is revoked.
    """

    id: str
    label: str
    scopes: tuple[str, ...]
    created: date
    last_used: date | None
    expires: str | None
    key_hash: bytes = field(repr=False, compare=False)

    def document(self) -> dict[str, Any]:
        """What its merchant is shown."""
        used = None if self.last_used is None else self.last_used.isoformat()
        return {
            "id": self.id,
            "label": self.label,
            "scopes": list(self.scopes),
            "created": self.created.isoformat(),
            "last_used": used,
            "expires": self.expires,
        }

    def may(self, scope: str) -> bool:
        """Whether the key has this scope."""
        return _ALL in self.scopes or scope in self.scopes

    def require_power_over(self, scopes: Collection[str], expires: str | None) -> None:
        """``Refused`` for what reaches further than this key: it makes and ends no such key.

        Else a key for the keys would be one for everything, and one in its period of grace would
        outlive it.
        """
        if not all(map(self.may, scopes)):
            raise Refused("foreign-scope", "this key has not all of these scopes itself", "scopes")
        if self.expires is not None and (expires is None or expires > self.expires):
            raise Refused("foreign-scope", "this key ends before that one would", "expires")


@dataclass(frozen=True)
class KeyWanted:
    """A key to be made. ``FormatError`` naming the member for what no key can be."""

    label: str
    scopes: tuple[str, ...]
    expires: str | None = None

    def __post_init__(self) -> None:
        """Check the members."""
        if not 0 < len(self.label) <= _LONGEST_LABEL or not self.label.isprintable():
            raise FormatError(f"1 to {_LONGEST_LABEL} printable characters", "label")
        if not self.scopes or any(scope not in _SCOPES for scope in self.scopes):
            raise FormatError(f"not some of {', '.join(_SCOPES)}", "scopes")
        if len(set(self.scopes)) < len(self.scopes):
            raise FormatError("one is there twice", "scopes")
        if self.expires is not None:
            parse_event_time(self.expires, "expires")


def enter_key(connection: Connection, merchant_id: str, key: ApiKey) -> None:
    """Make a key good."""
    row = {"merchant": merchant_id, **asdict(key), "scopes": " ".join(key.scopes)}
    connection.execute(insert(api_keys).values(row))


def find_key(connection: Connection, merchant_id: str, key_id: str) -> ApiKey | None:
    """What is known of a key, whether it has expired or not."""
    found = _read(connection, *_named(merchant_id, key_id))
    return found[0] if found else None


def keys_of(connection: Connection, merchant_id: str) -> list[ApiKey]:
    """A merchant's keys, the expired ones too: oldest first, and by label within a day."""
    return _read(connection, api_keys.c.merchant == merchant_id)


def count_keys(connection: Connection, merchant_id: str) -> int:
    """How many keys a merchant has."""
    query = select(func.count()).select_from(api_keys).where(api_keys.c.merchant == merchant_id)
    return connection.scalar(query) or 0


def note_use(connection: Connection, merchant_id: str, key_id: str, day: date) -> None:
    """Note on which day a key was used last."""
    chosen = _named(merchant_id, key_id)
    connection.execute(update(api_keys).where(*chosen).values(last_used=day))


def change_end(connection: Connection, merchant_id: str, key_id: str, expires: str) -> None:
    """Let a key be good until that moment."""
    chosen = _named(merchant_id, key_id)
    connection.execute(update(api_keys).where(*chosen).values(expires=expires))


def remove_key(connection: Connection, merchant_id: str, key_id: str) -> None:
    """Make a key worthless."""
    connection.execute(delete(api_keys).where(*_named(merchant_id, key_id)))


def remove_keys(connection: Connection, merchant_id: str) -> None:
    """Make all keys of a merchant worthless."""
    connection.execute(delete(api_keys).where(api_keys.c.merchant == merchant_id))


def forget_expired(connection: Connection, merchant_id: str, now: str) -> None:
    """Remove the keys of a merchant that are good no more."""
    over = api_keys.c.merchant == merchant_id, api_keys.c.expires <= now
    connection.execute(delete(api_keys).where(*over))


def _named(merchant_id: str, key_id: str) -> tuple[Any, ...]:
    return api_keys.c.merchant == merchant_id, api_keys.c.id == key_id


def _read(connection: Connection, *chosen: Any) -> list[ApiKey]:
    query = (
        select(api_keys)
        .where(*chosen)
        .order_by(api_keys.c.created, api_keys.c.label, api_keys.c.id)
    )
    return [
        ApiKey(
            row.id,
            row.label,
            tuple(row.scopes.split(" ")),
            row.created,
            row.last_used,
            row.expires,
            row.key_hash,
        )
        for row in connection.execute(query)
    ]
