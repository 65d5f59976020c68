"""Wallets that earlier versions have written, as they wrote them."""

import json
from typing import Any

import pytest

from commitments.errors import FormatError, NewerFile
from ledger.handover import NO_HANDOVERS
from ledger.note import Signer
from ledger.quorum import NO_QUORUM
from sdk.state import GROUP, State
from sdk.state_versions import VERSION
from tests.world import WARRANTY

VKEYS = [Signer(name, b"k" * 32).verifier.vkey for name in ("o.example/a", "o.example/a/events")]
SCALAR = "00" * 31 + "01"
SALE = {
    "date": "2026-01-02",
    "product": "tea",
    "price": 100,
    "currency": "EUR",
    "batch": None,
    "unit": None,
}
OLDEST: dict[str, Any] = {
    "merchants": [
        {
            "origin": "o.example/a",
            "address": "https://shop.example/v1/merchants/a",
            "purchases_vkey": VKEYS[0],
            "events_vkey": VKEYS[1],
            "purchases": [7, "11" * 32],
            "events": None,
            "shown": 2,
            "shown_digest": "22" * 32,
            "closes": 1,
        }
    ],
    "pending": [
        {
            "origin": "o.example/a",
            "order": "2",
            "keys": [SCALAR] * 3,
            "request": {"commitment": GROUP.encode(GROUP.generator).hex(), "proof": "11" * 128},
        }
    ],
    "purchases": [
        {
            "origin": "o.example/a",
            "order": "1",
            "sale": SALE,
            "index": 3,
            "keys": [SCALAR] * 3,
            "proof": "a proof",
        }
    ],
    "claims": [],
}


def decode(document: Any) -> State:
    return State.decode(json.dumps(document).encode())


def test_what_the_first_wallets_have_written_is_read() -> None:
    state = decode(OLDEST)
    (merchant,) = state.merchants.values()
    assert (merchant.purchases_vkeys, merchant.events_vkeys) == ((VKEYS[0],), (VKEYS[1],))
    assert (merchant.quorum, merchant.seed_witnesses) == (NO_QUORUM, ())
    assert (merchant.key_changes, merchant.handovers_digest) == (None, NO_HANDOVERS.digest())
    assert merchant.purchases is not None
    assert merchant.purchases.size == 7
    (purchase,), (pending,) = state.purchases.values(), state.pending.values()
    assert (purchase.keys.secret, purchase.place, purchase.box) == (1, None, None)
    assert (pending.keys.secret, pending.place) == (1, None)
    assert State.decode(state.encode()) == state


def test_a_wallet_without_a_seed_gets_one_of_its_own() -> None:
    first, second = decode(OLDEST), decode(OLDEST)
    assert first.identity.device == 0
    assert first.identity.seed != second.identity.seed


@pytest.mark.parametrize("version", [0, -1, True, None, "2", 2.0])
def test_what_is_no_version_is_a_format_error(version: Any) -> None:
    with pytest.raises(FormatError):
        decode({**OLDEST, "version": version})


def test_a_later_version_is_not_read() -> None:
    with pytest.raises(NewerFile):
        decode({**OLDEST, "version": VERSION + 1})


def test_claims_of_earlier_wallets_have_no_steps() -> None:
    body = {
        "type": "claim",
        "origin": "o.example/a",
        "policy": "warranty-2y",
        "version": 1,
        "date": "2026-01-03",
        "number": 0,
        "remedy": "repair",
        "first": 0,
        "size": 4,
        "voided_at": 4,
        "lane": 0,
        "nonce": "00" * 16,
    }
    claim = {
        "claim_id": "11" * 32,
        "order": "1",
        "body": body,
        "proof": "",
        "tags": [],
        "indices": [3],
        "policy": {**WARRANTY, "origin": "o.example/a"},
        "outcome": None,
        "reason": None,
        "receipt": None,
        "secret_sent": False,
    }
    (read,) = decode({**OLDEST, "claims": [claim]}).claims.values()
    assert (read.steps, read.case, read.body.buyer) == ((), None, None)
    assert read.uses_slot
