"""The service of the demo: the real one, over HTTP on this machine, with a calendar of its own."""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.secret_files import kept_sealing_key
from cli.serve import listen
from commitments.clock import Clock

if TYPE_CHECKING:
    from ledger.quorum import Witness
    from ledger.witness_client import RemoteSeedWitness
    from witness.service import Witness as WitnessService

__all__ = ["OPERATOR_KEY", "Calendar", "RunningWitness", "running_service", "running_witness"]

OPERATOR_KEY = secrets.token_hex(32)
_START_SECONDS = 30
_STEP_SECONDS = 0.02


class RunningWitness(NamedTuple):
    """A witness of the demo, its keys, and where it is."""

    service: "WitnessService"
    vkeys: "Sequence[str]"
    seeds: "RemoteSeedWitness"
    url: str


class Calendar:
    """The clock of everyone in the demo. It is turned forward as the sales go by."""

    def __init__(self) -> None:
        self._now = datetime(1970, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The moment."""
        return self._now

    def turn_to_evening_of(self, day: date) -> None:
        """The shop has closed for the day."""
        self._now = datetime.combine(day, time_of_day(20), tzinfo=UTC)

    def next_morning(self) -> None:
        """The day on which everybody comes to claim."""
        self._now += timedelta(hours=14)

    def let_pass(self, hours: int) -> None:
        """The shop has other things to do, too."""
        self._now += timedelta(hours=hours)


@contextmanager
def running_service(
    directory: Path,
    clock: Clock,
    witnesses: "Sequence[Witness]" = (),
    seed_witnesses: "Sequence[RemoteSeedWitness]" = (),
) -> Iterator[str]:
    """Serve on SQLite in ``directory`` at a free port; the URL."""
    from api.app import create_app
    from api.settings import Settings

    database = f"sqlite:///{directory.absolute()}/kvitto.db"
    settings = Settings(
        service_name="kvitto.example",
        database=database,
        operator_key=OPERATOR_KEY,
        sealing=kept_sealing_key(directory.absolute() / "sealing.key", None, database),
        clock=clock,
        witnesses=tuple(witnesses),
        seed_witnesses=tuple(seed_witnesses),
    )
    with _served(create_app(settings)) as url:
        yield url


@contextmanager
def running_witness(directory: Path, name: str, clock: Clock) -> "Iterator[RunningWitness]":
    """Serve a witness with its state in ``directory`` at a free port."""
    from api.witness import create_witness_app
    from ledger.witness_client import RemoteSeedWitness
    from witness.keys import WitnessKeys
    from witness.service import Witness

    keys = WitnessKeys.create(name)
    url = f"sqlite:///{directory.absolute()}/{name}.db"
    with Witness(url, keys, clock) as witness, _served(create_witness_app(witness)) as address:
        seeds = RemoteSeedWitness(address, keys.seed_signer.verifier)
        yield RunningWitness(witness, keys.public()["cosignature_keys"], seeds, address)


@contextmanager
def _served(app: Any) -> Iterator[str]:
    import uvicorn

    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)
