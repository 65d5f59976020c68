"""A shop that lies: it has the keys of its logs, and writes into them whatever it likes."""

from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import Any

from cli.log_directory import export_merchant
from cli.secret_files import open_sealing_key
from issuer.merchants import adopt_merchant, find_merchant
from ledger.event_log import append_events
from ledger.events import events_origin, parse_event
from ledger.store import Store, Transaction

__all__ = ["Events", "Shop"]

Events = list[dict[str, Any]]


class Shop:
    """One merchant of the service whose database and keys are in ``data``.

    ``events`` and ``purchases`` are what its logs say in truth.
    """

    def __init__(self, data: Path, merchant: str) -> None:
        self._sealing = open_sealing_key(data / "sealing.key", None)
        with Store(f"sqlite:///{data / 'kvitto.db'}", sealing=self._sealing) as store:
            self.merchant = find_merchant(store, merchant)
            self._keys = {
                origin: store.write(methodcaller("signers", origin), origin)
                for origin in (self.merchant.origin, events_origin(self.merchant.origin))
            }
            with store.log(self.merchant.origin) as log:
                self.purchases = log.entries(0, log.size)
            with store.log(events_origin(self.merchant.origin)) as log:
                self.events = [parse_event(entry) for entry in log.entries(0, log.size)]

    def publish(self, directory: Path, change: Callable[[Events], Events] = list) -> None:
        """Publish logs in which the events are what ``change`` makes of them, properly signed."""
        directory.mkdir(parents=True)
        with Store(f"sqlite:///{directory / 'kvitto.db'}", sealing=self._sealing) as store:
            store.create()
            for origin, (key,) in self._keys.items():
                store.create_log(origin, key.private_key)
            changed = change([dict(event) for event in self.events])
            store.write(lambda unit: self._write(unit, changed), *self._keys)
            export_merchant(store, self.merchant, directory / "logs")

    def _write(self, unit: Transaction, events: Events) -> None:
        adopt_merchant(unit, self.merchant)
        unit.append(self.merchant.origin, self.purchases)
        append_events(unit, self.merchant.origin, events)
