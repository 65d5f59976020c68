"""Where merchants want their events sent."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.engine import Row

from api.webhooks.destinations import Destinations
from api.webhooks.schema import webhook_deliveries, webhook_endpoints, webhook_keys
from api.webhooks.signing import SigningKeys
from commitments.clock import Clock, unix_seconds, unix_time
from commitments.errors import Refused
from issuer.merchants import Merchant
from ledger.engines import overwrite_deleted
from ledger.events import event_time, events_origin
from ledger.log import Log
from ledger.once import Once, unless_done
from ledger.sealing import SealingKey
from ledger.store import Store, Transaction

__all__ = ["BY_MERCHANT", "MOST_ENDPOINTS", "Endpoint", "Endpoints", "read_keys", "shown_time"]

MOST_ENDPOINTS = 16  # of a merchant; each event is sent to all of them
BY_MERCHANT = "merchant"
"""Why an endpoint is disabled that its merchant has disabled."""

_OVERLAP = timedelta(days=1)  # in which the keys of before sign too
_ID_BYTES = 8


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as its merchant sees it. Times are seconds since 1970.

    ``types`` of events, or all of them; ``disabled`` says why nothing is sent there;
    ``public_keys`` verify ``v1a``, the newest last.
    """

    id: str
    url: str
    types: tuple[str, ...] | None
    description: str
    created: int
    disabled: str | None
    failing_since: int | None
    public_keys: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "url": self.url,
            "types": None if self.types is None else list(self.types),
            "description": self.description,
            "created": shown_time(self.created),
            "enabled": self.disabled is None,
            "disabled_because": self.disabled,
            "failing_since": shown_time(self.failing_since),
            "public_keys": list(self.public_keys),
        }


def shown_time(seconds: int | None) -> str | None:
    """A moment, which is seconds since 1970, as documents have it."""
    return None if seconds is None else event_time(unix_time(seconds))


class Endpoints:
    """The endpoints of all merchants in ``store``."""

    def __init__(
        self, store: Store, clock: Clock, sealing: SealingKey, destinations: Destinations
    ) -> None:
        self._store = store
        self._clock = clock
        self._sealing = sealing
        self._destinations = destinations

    def create(
        self,
        merchant: Merchant,
        url: str,
        types: Sequence[str] | None,
        description: str,
        once: Once | None = None,
    ) -> dict[str, Any]:
        """The document of a new endpoint for all that becomes an event from now on; its ``secret``.

        ``FormatError`` and ``Refused`` for a URL that may not be used, for one that the merchant
        uses already, and for too many.
        """
        self._destinations.target(url)
        keys, identifier = SigningKeys.create(), f"wh_{secrets.token_hex(_ID_BYTES)}"
        row = {
            "id": identifier,
            "merchant": merchant.id,
            "origin": merchant.origin,
            "url": url,
            "types": _joined(types),
            "description": description,
            "created": unix_seconds(self._clock()),
            "failures": 0,
            "rests_until": 0,
        }

        def unit(transaction: Transaction) -> dict[str, Any]:
            connection = transaction.connection
            if _check_url_is_new(connection, merchant, url) >= MOST_ENDPOINTS:
                raise Refused("too-many", f"more than {MOST_ENDPOINTS} webhooks")
            # As readers see it: what is not published yet is still to come.
            cursor = Log.published(connection, events_origin(merchant.origin)).size
            connection.execute(insert(webhook_endpoints).values(cursor=cursor, **row))
            self._keep(connection, identifier, 0, keys)
            return {**_find(connection, merchant, identifier).document(), "secret": keys.secret}

        return self._store.commit(unless_done(unit, once), merchant.origin)

    def of(self, merchant: Merchant) -> list[Endpoint]:
        """All of a merchant, oldest first."""
        query = (
            select(webhook_endpoints)
            .where(webhook_endpoints.c.merchant == merchant.id)
            .order_by(webhook_endpoints.c.created, webhook_endpoints.c.id)
        )
        with self._store.read() as connection:
            return [_endpoint(connection, row) for row in connection.execute(query).all()]

    def find(self, merchant: Merchant, identifier: str) -> Endpoint:
        """One of them; ``Refused`` where the merchant has none of that id."""
        with self._store.read() as connection:
            return _find(connection, merchant, identifier)

    def keys(self, endpoint: Endpoint) -> list[SigningKeys]:
        """What signs at this moment, oldest first."""
        with self._store.read() as connection:
            now = unix_seconds(self._clock())
            return read_keys(connection, self._sealing, endpoint.id, now)

    def change(
        self,
        merchant: Merchant,
        identifier: str,
        url: str,
        types: Sequence[str] | None,
        description: str,
        *,
        enabled: bool,
    ) -> Endpoint:
        """Make it another; one that is enabled again gets what has happened meanwhile.

        Errors as :meth:`create` and :meth:`find`.
        """
        self._destinations.target(url)
        values: dict[str, Any] = {"url": url, "types": _joined(types), "description": description}

        def unit(transaction: Transaction) -> Endpoint:
            connection = transaction.connection
            known = _find(connection, merchant, identifier)
            if known.url != url:
                _check_url_is_new(connection, merchant, url)
            if known.url != url or (known.disabled and enabled):  # its failures may be over
                values.update(failures=0, failing_since=None, rests_until=0)
            disabled = None if enabled else known.disabled or BY_MERCHANT
            chosen = webhook_endpoints.c.id == identifier
            change = update(webhook_endpoints).where(chosen).values(disabled=disabled, **values)
            connection.execute(change)
            return _find(connection, merchant, identifier)

        return self._store.commit(unit, merchant.origin)

    def rotate(
        self, merchant: Merchant, identifier: str, once: Once | None = None
    ) -> dict[str, Any]:
        """Give it new keys; its document with the new ``secret``.

        Those it had sign too for another day. No more than two keys sign: what was being replaced
        already signs no more.
        """
        keys = SigningKeys.create()

        def unit(transaction: Transaction) -> dict[str, Any]:
            connection, until = transaction.connection, unix_seconds(self._clock() + _OVERLAP)
            _find(connection, merchant, identifier)
            overwrite_deleted(connection)
            mine = webhook_keys.c.endpoint == identifier
            connection.execute(delete(webhook_keys).where(mine, webhook_keys.c.until.is_not(None)))
            number = connection.scalar(select(func.max(webhook_keys.c.number)).where(mine))
            connection.execute(update(webhook_keys).where(mine).values(until=until))
            self._keep(connection, identifier, number + 1, keys)
            return {**_find(connection, merchant, identifier).document(), "secret": keys.secret}

        return self._store.commit(unless_done(unit, once), merchant.origin)

    def delete(self, merchant: Merchant, identifier: str) -> None:
        """Send nothing more there, and forget what was sent; ``Refused`` as :meth:`find`."""

        def unit(transaction: Transaction) -> None:
            _find(transaction.connection, merchant, identifier)
            _remove(transaction.connection, [identifier])

        self._store.commit(unit, merchant.origin)

    def delete_all(self, merchant: Merchant) -> None:
        """The same for all endpoints of a merchant."""
        of_merchant = webhook_endpoints.c.merchant == merchant.id

        def unit(transaction: Transaction) -> None:
            connection = transaction.connection
            identifiers = connection.scalars(select(webhook_endpoints.c.id).where(of_merchant))
            _remove(connection, identifiers.all())

        self._store.commit(unit, merchant.origin)

    def _keep(
        self, connection: Connection, identifier: str, number: int, keys: SigningKeys
    ) -> None:
        sealed = self._sealing.seal(_use(identifier, number), keys.encode())
        row = {"endpoint": identifier, "number": number, "sealed": sealed}
        connection.execute(insert(webhook_keys).values(public_key=keys.public_key, **row))


def read_keys(
    connection: Connection, sealing: SealingKey, identifier: str, now: int
) -> list[SigningKeys]:
    """The keys that sign for an endpoint at a moment, oldest first."""
    query = (
        select(webhook_keys)
        .where(webhook_keys.c.endpoint == identifier)
        .order_by(webhook_keys.c.number)
    )
    return [
        SigningKeys.decode(sealing.open(_use(identifier, row.number), row.sealed))
        for row in connection.execute(query)
        if row.until is None or row.until > now
    ]


def _remove(connection: Connection, identifiers: Sequence[str]) -> None:
    overwrite_deleted(connection)
    connection.execute(delete(webhook_endpoints).where(webhook_endpoints.c.id.in_(identifiers)))
    for table in (webhook_keys, webhook_deliveries):
        connection.execute(delete(table).where(table.c.endpoint.in_(identifiers)))


def _use(identifier: str, number: int) -> str:
    return f"webhook/{identifier}/{number}"


def _joined(types: Sequence[str] | None) -> str | None:
    return None if types is None else ",".join(types)


def _check_url_is_new(connection: Connection, merchant: Merchant, url: str) -> int:
    """How many endpoints the merchant has, all with other URLs."""
    query = select(webhook_endpoints.c.url).where(webhook_endpoints.c.merchant == merchant.id)
    urls = connection.scalars(query).all()
    if url in urls:
        raise Refused("duplicate-webhook", "there is a webhook with this URL", "url")
    return len(urls)


def _find(connection: Connection, merchant: Merchant, identifier: str) -> Endpoint:
    query = select(webhook_endpoints).where(
        webhook_endpoints.c.id == identifier, webhook_endpoints.c.merchant == merchant.id
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused("unknown-webhook", "there is no such webhook", "webhook")
    return _endpoint(connection, row)


def _endpoint(connection: Connection, row: Row[Any]) -> Endpoint:
    keys = (
        select(webhook_keys.c.public_key)
        .where(webhook_keys.c.endpoint == row.id)
        .order_by(webhook_keys.c.number)
    )
    types = None if row.types is None else tuple(row.types.split(","))
    return Endpoint(
        row.id,
        row.url,
        types,
        row.description,
        row.created,
        row.disabled,
        row.failing_since,
        tuple(connection.scalars(keys)),
    )
