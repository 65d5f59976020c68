"""A wallet whose witnesses change their keys, and those who would profit from it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from commitments.errors import VerificationError
from ledger.cosignature import MlDsaCosigner
from ledger.handover import NO_HANDOVERS, Handover
from ledger.key_history import handover_event, read_key_history
from ledger.note import Signer
from ledger.quorum import NO_QUORUM, Quorum, Witness
from ledger.witness_rotation import record_handovers
from sdk import Purchase, Wallet
from sdk.state import Merchant, State
from tests.sdk.forgeries import all_events, show
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, World

TIME = "2026-11-21T12:00:00Z"
NOTE = f"\n\n\u2014 {ORIGIN}"  # where the signatures of a note begin
OLD, NEW, NEWER, THIEF = (
    MlDsaCosigner("w.example", letter * 32) for letter in (b"o", b"n", b"m", b"t")
)


def wanting(*keys: MlDsaCosigner) -> Quorum:
    (key,) = keys
    return Quorum(witnesses=(Witness("w", key.verifier),), quorum="w")


class Cosigned(ShopServer):
    """All that is shown has been cosigned by ``cosigners``, who watch this log."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.cosigners: Sequence[MlDsaCosigner] = (OLD,)
        self.lies = dict.fromkeys(
            ("/events", "/keys.json", "/ring", "/checkpoint", "/claims"), self.cosign
        )

    def cosign(self, answer: Any) -> Any:
        """Each signed note in an answer, with the cosignatures below."""
        if isinstance(answer, dict):
            return {name: self.cosign(value) for name, value in answer.items()}
        if isinstance(answer, list):
            return [self.cosign(value) for value in answer]
        if isinstance(answer, bytes):
            return self.cosign(answer.decode()).encode() if NOTE.encode() in answer else answer
        if isinstance(answer, str) and NOTE in answer:
            head = answer.rpartition("\n\n")[0]
            text = head[head.rindex(f"{ORIGIN}") if head.startswith("c2sp") else 0 :] + "\n"
            return answer + "".join(c.cosign(text, 7).line() for c in self.cosigners)
        return answer

    def receipt(self, *sold: Any, **changes: Any) -> dict[str, Any]:
        cosigned: dict[str, Any] = self.cosign(super().receipt(*sold, **changes))
        return cosigned


@pytest.fixture
def shop(server: ShopServer) -> Cosigned:
    return Cosigned(server.world)


@pytest.fixture
def wallet(shop: Cosigned) -> Wallet:
    wallet = shop.wallet()
    wallet.require_quorum(shop.shop(), wanting(OLD))
    shop.sell(wallet, "1001")
    shop.world.close()
    return wallet


def record(world: World, old: MlDsaCosigner, new: MlDsaCosigner) -> None:
    handover = Handover.sign(old, new)
    record_handovers(world.store, world.clock, ORIGIN, [old.verifier], [handover])


def look(shop: Cosigned, wallet: Wallet) -> int:
    return wallet.preview(shop.shop(), "warranty-2y", remedy="repair").ring_size


def known(wallet: Wallet) -> Merchant:
    return wallet._state.merchants[ORIGIN]


def refused(shop: Cosigned, wallet: Wallet, match: str) -> None:
    state = wallet._state
    with pytest.raises(VerificationError, match=match):
        look(shop, wallet)
    assert wallet._state == state


def test_a_wallet_follows_the_witnesses_in_its_quorum(shop: Cosigned, wallet: Wallet) -> None:
    assert look(shop, wallet) == 9
    record(shop.world, OLD, NEW)
    shop.cosigners = (OLD, NEW)
    assert look(shop, wallet) == 9
    assert known(wallet).quorum == wanting(NEW)
    shop.cosigners = (NEW,)
    assert look(shop, wallet) == 9
    record(shop.world, NEW, NEWER)
    shop.cosigners = (NEWER,)
    assert wallet.claim(shop.shop(), "warranty-2y", remedy="repair").decision == "approved"
    assert known(wallet).quorum == wanting(NEWER)


def test_a_wallet_that_was_away_for_long(shop: Cosigned, wallet: Wallet) -> None:
    record(shop.world, OLD, NEW)
    record(shop.world, NEW, NEWER)
    shop.cosigners = (NEWER,)
    assert look(shop, wallet) == 9
    assert State.decode(wallet._state.encode()) == wallet._state


def test_receipts_and_decisions_that_only_the_new_key_has_cosigned(
    shop: Cosigned, wallet: Wallet
) -> None:
    record(shop.world, OLD, NEW)
    shop.cosigners = (NEW,)
    assert isinstance(shop.sell(wallet, "1002"), Purchase)  # before it has read anything else
    assert known(wallet).quorum == wanting(NEW)
    shop.lost.add("/claims")
    with pytest.raises(Exception, match="answer"):
        wallet.claim(shop.shop(), "warranty-2y", remedy="repair", purchase=wallet.purchases[0])
    shop.lost.clear()
    record(shop.world, NEW, NEWER)
    shop.cosigners = (NEWER,)
    again = wallet.claim(shop.shop(), "warranty-2y", remedy="repair", purchase=wallet.purchases[0])
    assert again.decision == "approved"


def test_a_buyer_who_names_an_old_key_to_a_wallet_that_knows_better(
    shop: Cosigned, wallet: Wallet
) -> None:
    record(shop.world, OLD, NEW)
    shop.cosigners = (NEW,)
    look(shop, wallet)
    wallet.require_quorum(shop.shop(), wanting(OLD))
    assert look(shop, wallet) == 9
    assert known(wallet).quorum == wanting(NEW)


# ---- attacks


def test_a_stolen_old_key_is_of_no_use_against_who_has_heard(
    shop: Cosigned, wallet: Wallet
) -> None:
    record(shop.world, OLD, NEW)
    shop.cosigners = (OLD, NEW)
    look(shop, wallet)
    shop.cosigners = (OLD,)
    refused(shop, wallet, "quorum")


def test_a_merchant_that_never_logs_the_handover(shop: Cosigned, wallet: Wallet) -> None:
    """It gains nothing: what the new key has cosigned is not believed without it."""
    shop.cosigners = (NEW,)
    refused(shop, wallet, "quorum")
    record(shop.world, OLD, NEW)
    assert look(shop, wallet) == 9


def test_a_handover_that_was_seen_is_hidden(shop: Cosigned, wallet: Wallet) -> None:
    """Even from who wants no cosignatures now."""
    record(shop.world, OLD, NEW)
    shop.cosigners = (OLD, NEW)
    look(shop, wallet)
    wallet.require_quorum(shop.shop(), NO_QUORUM)
    events = all_events(shop.world)[:-1]
    shop.lies["/keys.json"] = lambda _: {"history": [show(shop, events, [0])]}
    refused(shop, wallet, "a change that was seen before is hidden")


@pytest.mark.parametrize("quorum", [wanting(OLD), NO_QUORUM])
def test_another_successor_of_a_witness_key_is_shown_later(
    shop: Cosigned, wallet: Wallet, quorum: Quorum
) -> None:
    """By a thief of the old key, together with the merchant."""
    record(shop.world, OLD, NEW)
    shop.cosigners = (OLD, NEW)
    wallet.require_quorum(shop.shop(), quorum)
    look(shop, wallet)
    wallet.require_quorum(shop.shop(), quorum)
    events = all_events(shop.world)
    history = read_key_history(events[:1])
    events[-1] = handover_event(history, Handover.sign(OLD, THIEF), TIME)
    forked = {"history": [show(shop, events, [0, len(events) - 1])]}
    shop.cosigners = (THIEF,)
    shop.lies["/keys.json"] = lambda _: shop.cosign(forked)
    refused(shop, wallet, "another history was seen before")


def test_a_forged_handover_is_in_the_log(shop: Cosigned, wallet: Wallet) -> None:
    """Of a merchant that has found a witness more to its liking."""
    mine = Handover.sign(NEWER, THIEF).members()
    history = read_key_history(all_events(shop.world)[:1])
    good = handover_event(history, Handover.sign(OLD, NEW), TIME)
    shop.cosigners = (THIEF,)
    for forged in (
        {**good, **mine, "vkey": OLD.verifier.vkey},
        {**good, **mine},  # of keys that nobody has named: a true one, and of no use
    ):
        events = [*all_events(shop.world), forged]
        told = {"history": [show(shop, events, [0, len(events) - 1])]}
        shop.lies["/keys.json"] = partial(lambda told, _: shop.cosign(told), told)
        with pytest.raises(VerificationError):
            look(shop, wallet)
    shop.lies["/keys.json"] = shop.cosign
    record(shop.world, OLD, NEW)
    shop.cosigners = (NEW,)
    assert look(shop, wallet) == 9


def test_what_is_fetched_does_not_tell_which_witnesses_were_known(
    shop: Cosigned, wallet: Wallet
) -> None:
    other = shop.wallet()
    shop.sell(other, "1002")
    shop.world.close()
    look(shop, other)
    record(shop.world, OLD, NEW)
    shop.cosigners = (NEW,)
    asked = []
    for each in (wallet, other):
        shop.requests.clear()
        look(shop, each)
        asked.append([str(r.url) for r in shop.requests if "ring" not in r.url.path])
    assert asked[0] == asked[1]


def test_the_seed_keys_in_a_handover_are_none_that_cosign() -> None:
    """So that a seed key's handover never changes a quorum."""
    seeds = Signer("w.example", b"o" * 32), Signer("w.example", b"n" * 32)
    told = NO_HANDOVERS.after(Handover.sign(*seeds))
    assert wanting(OLD).following(told) == wanting(OLD)
