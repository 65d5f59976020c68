"""Makes the log that the tests in ``web/tests`` read: ``python -m tests.web.make``.

A small shop with all that a browser verifies: several closes signed by seed witnesses, policies of
every kind of predicate with versions and ends, claims and what became of them, voids, a transfer,
a rotated key, cosigned checkpoints. It differs each time it is made, since proofs are random;
``tests/web/test_fixtures.py`` says what holds for whatever lies there.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cli.log_directory import export_merchant
from commitments.clock import Clocks
from commitments.p256 import P256
from issuer.closing import Closer
from issuer.key_rotation import retire_keys, rotate_keys
from issuer.merchants import Merchant, create_merchant
from issuer.recording import Issuer
from issuer.voiding import VoidWanted
from ledger.closed import ClosedLogs
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.note import Note, Signer, Verifier
from ledger.seed_witnesses import SeedWitnesses
from ledger.seeding import PeriodEnd
from ledger.store import Store
from tests.databases import SEALING
from tests.handover import hand_over, settle
from tests.steps import ENDING, LOOKED_AT, Followed
from tests.web.expected import expected
from tests.web.verdict import Judge
from tests.world import KETTLE, ORIGIN, WARRANTY, Bought, FakeClock, World
from verifier.service import Verifier as ClaimVerifier

FIXTURES = Path(__file__).parents[2] / "web" / "tests" / "fixtures"

SEEDS = tuple(Signer(f"seed.example/w{n}", bytes([n]) * 32) for n in (1, 2))
WITNESSES: tuple[Cosigner, ...] = (
    Ed25519Cosigner("witness.example/w1", b"1" * 32),
    Ed25519Cosigner("witness.example/w2", b"2" * 32),
    MlDsaCosigner("witness.example/w3", b"3" * 32),
)
COSIGNED = 1_795_000_000  # seconds since 1970; one more for each witness

ALL = {**WARRANTY, "id": "all", "title": "For whoever has bought anything"}
for _member in ("products", "purchased", "price"):
    del ALL[_member]
RECALL = {
    **WARRANTY,
    "id": "recall-b7",
    "kind": "recall",
    "title": "Batches B7 and B8",
    "products": [KETTLE, "4006381333948", "ANVIL-3"],
    "purchased": {"from": "2026-01-01", "to": "2026-12-31"},
    "batches": ["B7", "B8"],
    "claims_per_purchase": 2,
}


class _LocalSeeds(SeedWitnesses):
    """Seed witnesses that are asked without a network."""

    def sign(
        self,
        _store: Store,
        _clocks: Clocks,
        _keys: Sequence[Sequence[Verifier]],
        end: PeriodEnd,
    ) -> tuple[PeriodEnd, tuple[bytes, ...]]:
        return end, tuple(seed.sign(end.message()) for seed in SEEDS)


class _Shop(World):
    """The shop, closing by a call, with seed witnesses and an end of voids after two periods."""

    def __init__(self, database: str) -> None:
        self.clock = FakeClock()
        self.store = Store(database, sealing=SEALING)
        self.store.create()
        self.merchant = Merchant("acme", "Acme", ORIGIN)
        create_merchant(
            self.store,
            P256,
            self.clock,
            self.merchant,
            period="manual",
            capacity=64,
            void_window=2,
            seed_witnesses=tuple(seed.verifier for seed in SEEDS),
        )
        self.issuer = Issuer(self.store, P256, self.clock)
        self.verifier = ClaimVerifier(self.store, P256, self.clock)
        self.closer = Closer(self.store, self.clock, _LocalSeeds())
        self._orders = 0


def _sell(shop: _Shop, count: int) -> list[Bought]:
    products = (KETTLE, KETTLE, "4006381333948", "ANVIL-3")
    today = shop.clock().date()
    return shop.buy(
        *(
            shop.sale(
                date=today - timedelta(days=n % 5),
                product=products[n % 4],
                price=1_000 + 150 * n,
                batch=("B7", None, "B8", "B9")[n % 4],
            )
            for n in range(count)
        )
    )


def _first_weeks(shop: _Shop) -> list[Bought]:
    bought = _sell(shop, 150)
    shop.close()
    for policy in (WARRANTY, LOOKED_AT, ENDING, RECALL, ALL):
        shop.publish({**policy, "smallest_ring": 8})
    shop.claim(bought[0])
    shop.claim(bought[3], "all")
    shop.claim(bought[2], "recall-b7", number=1)
    _cases(shop, bought)
    shop.clock.advance(days=1)
    wanted = [VoidWanted(index, "returned") for index in (40, 41, 42)]
    shop.issuer.void_many(shop.merchant, [*wanted, VoidWanted(60, "duplicate")])
    shop.close()
    return bought


def _cases(shop: _Shop, bought: Sequence[Bought]) -> None:
    repaired = Followed(shop, bought[4], "looked-at")
    declined = Followed(shop, bought[5], "looked-at")
    refunded = Followed(shop, bought[8], "refund-14d")
    Followed(shop, bought[9], "looked-at")
    shop.clock.advance(hours=5)
    repaired.take("merchant", "ask")
    declined.take("merchant", "decline")
    shop.verifier.retire(ORIGIN, refunded.claim_id, bought[8].keys.secret)
    shop.clock.advance(hours=5)
    repaired.take("buyer", "answer", repaired.seal(b"a photograph"))
    declined.take("buyer", "dispute", reason="decision_wrong")
    refunded.take("merchant", "complete")
    shop.clock.advance(days=9)
    repaired.take("merchant", "approve")
    repaired.take("merchant", "offer")
    repaired.take("buyer", "accept")
    repaired.take("buyer", "redeem")
    repaired.take("merchant", "complete")


def _later(shop: _Shop, bought: Sequence[Bought]) -> None:
    rotate_keys(shop.store, shop.clock, shop.merchant)
    shop.close()  # so that readers have seen the new keys before the old ones are destroyed
    retire_keys(shop.store, shop.clock, shop.merchant)
    more = _sell(shop, 150)
    settle(shop)
    new_owner = hand_over(shop, bought[12]).complete()
    shop.publish({**WARRANTY, "version": 2, "smallest_ring": 8, "response_time": "P5D"})
    shop.clock.advance(days=2)
    shop.close()
    shop.claim(bought[1])
    shop.claim(bought[6], "recall-b7")
    shop.claim(new_owner, "all")
    _claim_in_a_window(shop, more[0])
    shop.clock.advance(days=30)
    undone = Followed(shop, more[1], "looked-at")
    undone.take("buyer", "withdraw")


def _claim_in_a_window(shop: _Shop, bought: Bought) -> None:
    """Over a span that does not begin at the first entry."""
    body = shop.body(bought, "all")
    with shop.store.read() as connection:
        partition = ClosedLogs().partition(connection, ORIGIN)
    first = partition.closes[0].size
    lane = partition.lane_of(bought.index, first, body.size)
    body = replace(body, first=first, lane=lane)
    shop.verifier.decide(ORIGIN, body, shop.prove(bought, body))


def _cosign(checkpoint: Path) -> None:
    note = Note.parse(checkpoint.read_bytes())
    lines = [witness.cosign(note.text, COSIGNED + n) for n, witness in enumerate(WITNESSES)]
    signed = Note(note.text, (*note.signatures, *lines))
    checkpoint.write_bytes(signed.serialise())


def make(directory: Path) -> None:
    """Write the logs and what must be found in them."""
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory())
        shop = stack.enter_context(_Shop(f"sqlite:///{place}/kvitto.db"))
        _later(shop, _first_weeks(shop))
        export_merchant(shop.store, shop.merchant, directory)
    for log in ("purchases", "events"):
        _cosign(directory / "acme" / log / "checkpoint")
    witnesses = [witness.verifier.vkey for witness in WITNESSES]
    found = {"witnesses": witnesses, **expected(directory / "acme")}
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True)
    (directory / "acme" / "expected.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    shutil.rmtree(FIXTURES / "acme", ignore_errors=True)
    make(FIXTURES)
    changes = json.dumps(Judge(FIXTURES / "acme").changes(), indent=1)
    (FIXTURES / "acme" / "changes.json").write_text(changes + "\n", "utf-8")
