"""``kill -9`` of ``kvitto serve`` while real clients sell, claim and read.

``KVITTO_KILLS`` says how often, as in ``test_kills.py``.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event, Semaphore, Thread
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import select

from api.keys import MerchantKeys
from commitments.wire import encode_base64
from issuer.slips import code_hash, slips
from ledger.events import events_origin
from ledger.log import Log
from ledger.store import Store
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from tests.api.shop import SALE
from tests.databases import check
from tests.faults.oracle import check_extends
from tests.faults.test_kills import KILLS
from tests.serving import serving
from tests.world import ORIGIN, WARRANTY, World, new_keys
from verifier import schema
from verifier.schema import tags

RESTARTS = (KILLS + 1) // 3  # on each engine
CLAIMS = 4  # purchases to claim for, for each restart
LONGEST_MS = 200  # after the answer that a kill follows
PATIENCE = 60  # seconds
MERCHANT = "/v1/merchants/acme"
ALWAYS = {"valid_from": "2000-01-01", "valid_to": "9999-12-31"}


class Day:
    """What clients want of the service, and what it has told them.

    A request that was not answered is sent again, to the letter, after the restart.
    """

    def __init__(self, world: World) -> None:
        world.clock.now = datetime.now(UTC)  # that of the service
        self.world = world
        key = MerchantKeys(world.store, world.clock).issue_first(world.merchant)
        self.headers = {"Authorization": f"Bearer {key}"}
        bought = world.buy(*[world.sale(date=world.clock.now.date())] * (CLAIMS * RESTARTS))
        self.bought = len(bought)
        world.close()
        world.publish(WARRANTY, **ALWAYS)
        # Two claims for each purchase, at the same time: one of them may win.
        bodies = [[world.body(b) for b in bought] for _ in range(2)]
        self.claims = [
            [
                {"claim": body.document(), "proof": encode_base64(world.prove(b, body))}
                for b, body in zip(bought, of_one, strict=True)
            ]
            for of_one in bodies
        ]
        self.codes: dict[int, str] = {}
        self.receipts: list[dict[str, Any]] = []
        self.decided: list[dict[str, Any]] = []
        self.served: set[str] = set()
        self._name, self._body = str(uuid4()), self._purchase()
        self._answers = Semaphore(0)
        self._over = Event()

    def _purchase(self) -> dict[str, Any]:
        order = self.world.order(self.world.sale(date=self.world.clock.now.date()), new_keys())
        return {
            "order": order.reference,
            "sale": order.sale.document(),
            "request": order.request.document(),
        }

    def _post(self, http: httpx.Client, path: str, body: Any, **headers: str) -> Any:
        answer = http.post(f"{MERCHANT}/{path}", json=body, headers={**self.headers, **headers})
        assert answer.is_success, answer.text
        self._answers.release()
        return answer.json()

    def sell_slips(self, http: httpx.Client) -> None:
        while not self._over.is_set():
            body = {"sales": [SALE] * 3}
            answer = self._post(http, "sales", body, **{"Idempotency-Key": self._name})
            found = {row["slip"]["index"]: row["slip"]["code"] for row in answer["rows"]}
            assert not found.keys() & self.codes.keys()
            self.codes |= found
            self._name = str(uuid4())

    def sell(self, http: httpx.Client) -> None:
        while not self._over.is_set():
            self.receipts.append(self._post(http, "purchases", self._body))
            self._body = self._purchase()

    def claim(self, http: httpx.Client, number: int) -> None:
        claims = self.claims[number]
        while claims:
            self.decided.append(self._post(http, "claims", claims[0]))
            del claims[0]

    def look(self, http: httpx.Client) -> None:
        while not self._over.is_set():
            for kind in ("purchases", "events"):
                answer = http.get(f"/logs/acme/{kind}/checkpoint")
                assert answer.is_success
                self.served.add(answer.text)

    def run(self, url: str, until: Callable[[Semaphore, list[Thread]], None]) -> None:
        """Send everything at once until the service is gone, or has answered all."""
        failed: list[BaseException] = []

        def caller(work: Callable[[httpx.Client], None]) -> None:
            try:
                client = httpx.Client(base_url=url, timeout=PATIENCE)
                with client as http, suppress(httpx.TransportError):  # killed
                    work(http)
            except BaseException as error:  # noqa: BLE001 - raised below
                failed.append(error)

        self._answers, self._over = Semaphore(0), Event()
        claims = [lambda http, n=n: self.claim(http, n) for n in range(2)]
        threads = [
            Thread(target=caller, args=(work,))
            for work in (*claims, self.sell_slips, self.sell, self.look)
        ]
        for thread in threads:
            thread.start()
        until(self._answers, threads[:2])
        self._over.set()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        if failed:
            raise failed[0]

    def check(self, url: str) -> None:
        """Everything acknowledged is there, and every checkpoint is of the same two logs."""
        heads = {head.origin: head for head in check(url)}
        with Store(url) as store, store.read() as connection:
            logs = {origin: Log(connection, origin) for origin in heads}
            for note in self.served:
                origin = note.partition("\n")[0]
                check_extends(logs[origin], heads[origin], note)
            for receipt in self.receipts:
                self._check_proof(logs[ORIGIN], heads[ORIGIN], receipt["proof"])
            approved = {d["claim_id"] for d in self.decided if d["status"] == "approved"}
            for decision in self.decided:
                if decision["status"] == "approved":
                    proof = decision["receipt"]["proof"]
                    events = events_origin(ORIGIN)
                    self._check_proof(logs[events], heads[events], proof)
            kept = set(connection.scalars(select(slips.c.code_hash)))
            recorded = set(connection.scalars(select(schema.approved.c.identifier)))
            used = list(connection.scalars(select(tags.c.claim_id)))
        assert set(map(code_hash, self.codes.values())) <= kept
        assert approved <= recorded
        assert sorted(used) == sorted(recorded)

    @staticmethod
    def _check_proof(log: Log, head: Any, text: str) -> None:
        proof = TlogProof.parse(text.encode())
        verify_tlog_proof(proof, log.entry(proof.index), *log.verifiers)
        check_extends(log, head, proof.checkpoint.decode())

    def check_complete(self, url: str) -> None:
        """Nothing was done twice, and of the two claims for each purchase one has won."""
        sizes = {head.origin: head.size for head in check(url)}
        assert sizes[ORIGIN] == self.bought + len(self.receipts) + len(self.codes)
        winners = {d["claim_id"] for d in self.decided if d["status"] == "approved"}
        assert len(winners) == self.bought
        assert len(self.decided) == 2 * self.bought
        with Store(url) as store, store.read() as connection:
            assert len(connection.execute(select(tags)).all()) == self.bought


def test_the_service_is_killed_and_nothing_that_it_said_is_lost(
    world: World, database: str, tmp_path: Path
) -> None:
    data, random, day = tmp_path / "data", Random(KILLS), Day(world)
    data.mkdir()
    (data / "service.name").write_text("ledger.example\n", "ascii")

    def finish(_answers: Semaphore, claiming: list[Thread]) -> None:
        for thread in claiming:
            thread.join(PATIENCE)

    for _ in range(RESTARTS):
        with serving(data, tmp_path / "log", database) as (process, said):

            def kill(answers: Semaphore, _claiming: list[Thread]) -> None:
                for _ in range(random.choice([1, 2, random.randrange(2, 20)])):
                    assert answers.acquire(timeout=PATIENCE)
                Event().wait(random.uniform(0, LONGEST_MS / 1000))
                process.kill()

            day.run(said["url"], kill)
        day.check(database)
    with serving(data, tmp_path / "log", database) as (_, said):
        day.run(said["url"], finish)
    day.check(database)
    day.check_complete(database)
