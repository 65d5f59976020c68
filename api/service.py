"""The parts of a running service, put together once."""

from dataclasses import dataclass
from functools import partial

from api.directory import Directory
from api.keys import MerchantKeys
from api.rate_limits import RateLimits
from api.readiness import NotReady, Readiness
from api.reading import KeptTiles, SharedReads
from api.readings import Readings
from api.settings import Settings
from api.stopping import Stopping
from api.streams import Streams
from api.webhooks.webhooks import Webhooks
from issuer.catalogue import Catalogue
from issuer.closing import Closer
from issuer.mailbox import Mailbox
from issuer.merchants import KnownMerchants
from issuer.recording import Issuer
from issuer.sandbox_clocks import SandboxClocks
from ledger.closed import ClosedLogs
from ledger.cosigning import Publisher, forget_published, remote_witnesses
from ledger.log import Log
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store
from verifier.service import Verifier

__all__ = ["Service"]


@dataclass(frozen=True)
class Service:
    """Everything the routes work with. One per application."""

    settings: Settings
    store: Store
    clocks: SandboxClocks
    merchants: KnownMerchants
    keys: MerchantKeys
    issuer: Issuer
    catalogue: Catalogue
    mailbox: Mailbox
    verifier: Verifier
    closed: ClosedLogs
    publisher: Publisher | None
    seed_witnesses: SeedWitnesses
    closer: Closer
    readiness: Readiness
    stopping: Stopping
    streams: Streams
    limits: RateLimits
    webhooks: Webhooks
    checkpoints: SharedReads[bytes]
    tiles: KeptTiles
    directory: Directory
    readings: Readings

    @classmethod
    def open(cls, settings: Settings) -> "Service":
        """Open the database, and make in it what is missing."""
        store = Store(settings.database, sealing=settings.sealing)
        # Without decode: the issuer computes every commitment itself
        store.create()
        clocks = SandboxClocks(store, settings.clock)
        seed_witnesses = SeedWitnesses(settings.seed_witnesses)
        publisher = _publisher(store, settings, clocks)
        verifier = Verifier(store, settings.group, clocks)
        stopping = Stopping(settings.options.drain_seconds)
        return cls(
            settings,
            store,
            clocks,
            KnownMerchants(store),
            MerchantKeys(store, settings.clock),
            Issuer(store, settings.group, clocks),
            Catalogue(store),
            Mailbox(store),
            verifier,
            ClosedLogs(),
            publisher,
            seed_witnesses,
            Closer(store, clocks, seed_witnesses),
            Readiness(store, publisher, settings.options.ready_witnesses),
            stopping,
            Streams(store, stopping),
            RateLimits(settings.options, settings.sealing, settings.clock),
            Webhooks(
                settings.database, settings.clock, settings.sealing, settings.options.webhooks
            ),
            SharedReads(partial(_checkpoint, store)),
            KeptTiles(),
            Directory(store, settings, verifier.policies),
            Readings(store, settings.group, stopping, settings.options.audit_megabytes),
        )

    def require_ready(self) -> None:
        """:class:`NotReady` says why no request should be sent here."""
        if self.stopping:
            raise NotReady("the service is stopping")
        self.readiness.require()

    def close(self) -> None:
        """Let go of threads and connections."""
        self.verifier.close()  # first: what it records is published
        if self.publisher is not None:
            self.publisher.close()
        self.seed_witnesses.close()
        self.webhooks.close()
        self.store.close()


def _checkpoint(store: Store, origin: str) -> bytes:
    """What readers see of a log."""
    with store.read() as connection:
        return Log.published(connection, origin).checkpoint()


def _publisher(store: Store, settings: Settings, clocks: SandboxClocks) -> Publisher | None:
    """Who asks the witnesses after each write; none where there are none."""
    witnesses = remote_witnesses(settings.witnesses)
    if not witnesses:
        store.commit(forget_published)
        return None
    publisher = Publisher(store, witnesses, clocks=clocks)
    store.after_write = publisher.publish
    return publisher
