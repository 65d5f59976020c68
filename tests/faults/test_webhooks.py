"""``kill -9`` of ``kvitto serve`` while it sends webhooks: each event arrives, under one id."""

from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from sqlalchemy import select, update

from api.webhooks.schema import DELIVERED, webhook_deliveries, webhook_lease
from ledger.store import Store
from tests.api.receivers import Received, Receiver
from tests.api.webhook_shop import Hooks
from tests.databases import Sqlite, fresh
from tests.serving import serving
from tests.world import World

ENVIRONMENT = {"KVITTO_WEBHOOK_NETWORKS": "127.0.0.0/8", "KVITTO_WEBHOOK_HTTP": "true"}
EVENTS = 25  # more than a batch


def test_killed_while_a_receiver_answers(sqlite: Sqlite, tmp_path: Path) -> None:
    """The plug is pulled between sending and noting, in the middle of a batch."""
    data, log = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    (data / "service.name").write_text("ledger.example\n", "ascii")
    with fresh(sqlite) as database, World(database) as world, Receiver() as receiver:
        hooks = Hooks(world, database)
        hooks.hook(receiver)
        indices = hooks.happen(EVENTS)
        with serving(data, log, database, environment=ENVIRONMENT) as (process, _):
            receiver.status = kill_at(process, indices[7])
            receiver.wait(8)
            process.wait()
        receiver.status, before = 204, len(receiver.got)
        let_the_lease_end(database)
        with serving(data, log, database, environment=ENVIRONMENT):
            receiver.wait(before + EVENTS)
        hooks.webhooks.close()
        with world.store.read() as connection:
            states = connection.scalars(select(webhook_deliveries.c.state)).all()
            lease = connection.scalar(select(webhook_lease.c.until))
    assert receiver.indices == [*indices[:8], *indices]
    assert len({(got.id, got.body) for got in receiver.got}) == EVENTS
    assert states == [DELIVERED] * EVENTS
    assert lease == 0  # given back by the one that was told to stop


def kill_at(process: "Popen[str]", index: int) -> Callable[[Received], int]:
    """Who answers 204, but at one event kills the service before it has its answer."""

    def answer(got: Received) -> int:
        if got.document["data"]["index"] == index:
            process.kill()
        return 204

    return answer


def let_the_lease_end(database: str) -> None:
    """As a minute would."""
    with Store(database) as store:
        ended = update(webhook_lease).values(until=0)
        store.commit(lambda transaction: transaction.connection.execute(ended))
