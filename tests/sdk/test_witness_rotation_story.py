"""Witnesses change their keys under a service that sells; everything over HTTP."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from cli.demo.service import RunningWitness, running_service, running_witness
from cli.demo.town import quorum_of
from commitments.clock import system_clock
from commitments.errors import VerificationError
from ledger.key_history import WITNESS_ROTATED
from ledger.note import parse_vkey
from ledger.quorum import Quorum, verify_cosigned
from sdk import Shop, Wallet
from tests.cli.terminal import Terminal
from tests.sdk.test_quorum import STRANGER, CashDesk, _advice
from tests.world import WARRANTY
from witness.keys import WitnessKeys

WAIT = 60  # seconds until the service must have asked again; it does so every five


def forget(_keys: WitnessKeys) -> None:
    """These witnesses keep their keys in memory only."""


def eventually(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def logged(desk: CashDesk) -> int:
    events = (event for _, event in desk.shop.events().events)
    return sum(event["type"] == WITNESS_ROTATED for event in events)


def is_cosigned(shop: Shop, quorum: Quorum) -> bool:
    keys = shop.keys()
    try:
        verify_cosigned(shop.checkpoint("purchases"), keys.purchases, policy=quorum)
        verify_cosigned(shop.checkpoint("events"), keys.events, policy=quorum)
    except VerificationError:
        return False
    return True


def quorum_now(witnesses: Sequence[RunningWitness]) -> Quorum:
    public = [witness.service.public()["cosignature_keys"] for witness in witnesses]
    pairs = zip(witnesses, public, strict=True)
    return quorum_of([witness._replace(vkeys=vkeys) for witness, vkeys in pairs])


def test_witnesses_rotate_and_retire_under_a_service_that_sells(tmp_path: Path) -> None:
    with ExitStack() as stack:
        two = [
            stack.enter_context(running_witness(tmp_path, f"w{n}.example", system_clock))
            for n in (1, 2)
        ]
        seed = stack.enter_context(running_witness(tmp_path, "s.example", system_clock))
        first = quorum_of(two)
        with running_service(tmp_path, system_clock, first.witnesses, [seed.seeds]) as url:
            desk = CashDesk(url)
            keys = desk.shop.keys()
            for witness in (*two, seed):
                witness.service.watch(keys.purchases)
                witness.service.watch(keys.events)
            seed.service.sign_seeds(desk.origin, "manual")
            eventually(lambda: is_cosigned(desk.shop, first))
            old, away = (Wallet.in_memory(smallest_ring=1) for _ in range(2))
            for number, wallet in enumerate((old, away)):
                wallet.require_quorum(desk.shop, first)
                wallet.trust_seed_witnesses(desk.shop, [seed.seeds.key])
                wallet.accept(desk.shop, desk.sell(wallet, f"100{number}"))
            policy = {**WARRANTY, "origin": desk.origin, "smallest_ring": 1}
            desk.post("policies", {**policy, "valid_from": "2000-01-01", "valid_to": "9999-12-31"})
            desk.post("closes", {})
            assert _advice(old, desk) == set()

            # All of them change their keys; nobody is cut off meanwhile.
            for witness in (*two, seed):
                witness.service.rotate_keys(forget)
            desk.sell(Wallet.in_memory(), "2000")
            desk.post("closes", {})
            assert is_cosigned(desk.shop, first)
            eventually(lambda: logged(desk) == 5)
            second = quorum_now(two)
            eventually(lambda: is_cosigned(desk.shop, second))
            assert _advice(old, desk) == set()

            # The old keys are destroyed; a wallet that was away follows, and closes go on.
            for witness in (*two, seed):
                witness.service.retire_keys(forget)
            desk.sell(Wallet.in_memory(), "2001")
            desk.post("closes", {})
            assert not is_cosigned(desk.shop, first)
            assert _advice(away, desk) == set()
            assert away._state.merchants[desk.origin].quorum == second
            # Whoever has heard of the new seed key only need not name the old one.
            present = parse_vkey(seed.service.public()["seed_key"])
            assert present != seed.seeds.key
            for named, told in ((STRANGER, {"unknown-seed-witness"}), (present, set())):
                away.trust_seed_witnesses(desk.shop, [named])
                assert _advice(away, desk) == told
            assert away.claim(desk.shop, "warranty-2y", remedy="repair").decision == "approved"

            _offline(tmp_path, desk, first, away)
            desk.shop.close()

        # The service starts again, and has its old configuration still.
        with running_service(tmp_path, system_clock, first.witnesses, [seed.seeds]) as url:
            shop = Shop(url, "acme")
            desk.shop, desk.url = shop, url
            desk.sell(Wallet.in_memory(), "3000")
            desk.post("closes", {})
            assert is_cosigned(shop, second)
            assert logged(desk) == 5
            assert old.claim(shop, "warranty-2y", remedy="repair").decision == "approved"
            shop.close()


def _offline(directory: Path, desk: CashDesk, first: Quorum, wallet: Wallet) -> None:
    """A receipt for people with the old policy: what refuses it says what leads on."""
    terminal = Terminal(directory)
    for name, data in (
        ("old.policy", first.serialise()),
        ("receipt.json", json.dumps(wallet.claims[0].receipt).encode()),
        ("keys.json", json.dumps({"history": [desk.shop.keys_shown()[0].document()]}).encode()),
    ):
        (directory / name).write_bytes(data)
    key = desk.shop.keys().events.vkey
    old, new = (str(directory / f"{name}.policy") for name in ("old", "new"))
    verify = ["receipt", "verify", str(directory / "receipt.json"), "--key", key, "--quorum"]
    said = terminal.json(*verify, old, status=1)["error"]["message"]
    assert "kvitto keys follow --new-quorum" in said
    follow = ["keys", "follow", str(directory / "keys.json"), "--key", key]
    assert len(terminal.json(*follow, "--quorum", old, "--new-quorum", new)["witnesses"]) == 5
    assert terminal.json(*verify, new)["decision"] == "approved"
