"""The list of what there is to audit: merchants, their logs and keys, witnesses and policies.

What is said of a merchant is made again only when its event log says something new about keys or
policies: the list can be asked for often.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from aftersales.versions import ENDINGS, PUBLISHED
from api.settings import Settings
from commitments.sandbox import is_sandbox
from issuer.merchants import Merchant, list_merchants
from ledger.event_log import event_kinds, read_declaration
from ledger.farewells import stored_key_history
from ledger.key_history import KEY_EVENTS, LogKeys
from ledger.store import Store
from policies.versions import Version

__all__ = ["Directory"]

_CHUNK = 500  # values in one IN list


class Directory:
    """The list of one service; any number of threads may ask.

    ``versions`` are those of the policies of the log with an origin.
    """

    def __init__(
        self, store: Store, settings: Settings, versions: Callable[[str], Sequence[Version]]
    ) -> None:
        self._store = store
        self._versions = versions
        self._name = settings.service_name
        self._witnesses = [w for w in settings.witnesses if w.url is not None]
        self._kept: dict[str, tuple[int, dict[str, Any]]] = {}

    def document(self, *, with_sandboxes: bool) -> dict[str, Any]:
        """The list as JSON."""
        merchants = list_merchants(self._store, with_sandboxes=with_sandboxes)
        with self._store.read() as connection:
            told = dict(_told(connection, [merchant.origin for merchant in merchants]))
            entries = [
                self._entry(connection, merchant, told[merchant.origin])
                for merchant in merchants
                if merchant.origin in told  # else a copy of whose logs there is nothing yet
            ]
        return {"service": self._name, "merchants": entries}

    def _entry(self, connection: Connection, merchant: Merchant, told: int) -> dict[str, Any]:
        kept = self._kept.get(merchant.origin)
        if kept is None or kept[0] != told:
            kept = self._kept[merchant.origin] = told, self._made(connection, merchant)
        return kept[1]

    def _made(self, connection: Connection, merchant: Merchant) -> dict[str, Any]:
        origin = merchant.origin
        keys = stored_key_history(connection, origin)
        declared = read_declaration(connection, origin).seed_witnesses
        asked = [] if is_sandbox(origin) else self._witnesses
        return {
            "id": merchant.id,
            "name": merchant.name,
            "origin": origin,
            "sandbox": is_sandbox(origin),
            "logs": {
                "purchases": _log(merchant, "purchases", keys.purchases),
                "events": _log(merchant, "events", keys.events),
            },
            "witnesses": [
                {"name": w.name, "vkey": keys.witnesses.chain(w.key)[-1].vkey} for w in asked
            ],
            "seed_witnesses": [keys.witnesses.chain(key)[-1].vkey for key in declared],
            "policies": [*map(_policy, self._versions(origin))],
        }


def _log(merchant: Merchant, log: str, keys: LogKeys) -> dict[str, Any]:
    return {"url": f"/logs/{merchant.id}/{log}", "vkeys": [key.vkey for key in keys.in_force]}


def _policy(version: Version) -> dict[str, Any]:
    return {
        "policy": version.policy.id,
        "version": version.policy.version,
        "title": version.policy.title,
        "published": version.published,
        "ended": version.end and version.end.isoformat(),
    }


def _told(connection: Connection, origins: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Where the last event of each log stands that this list looks at."""
    table = event_kinds.c
    query = select(table.origin, func.max(table.position)).group_by(table.origin)
    told = query.where(table.type.in_((*KEY_EVENTS, PUBLISHED, *ENDINGS)))
    for start in range(0, len(origins), _CHUNK):
        chunk = origins[start : start + _CHUNK]
        for row in connection.execute(told.where(table.origin.in_(chunk))):
            yield row[0], row[1]
