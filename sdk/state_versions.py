"""What earlier versions of the wallet wrote, in the form of this one.

A wallet is opened years after it was written. Each step turns a document of one version into one of
the next; none is ever removed.
"""

from collections.abc import Callable
from typing import Any

from commitments.errors import FormatError, NewerFile
from commitments.wire import encode_base64
from ledger.handover import NO_HANDOVERS
from ledger.quorum import NO_QUORUM
from sdk.seed import Seed

__all__ = ["VERSION", "up_to_date"]


def up_to_date(document: Any) -> dict[str, Any]:
    """The document in the form of this version.

    ``NewerFile`` for a later version, ``FormatError`` for what is none. What a wallet without a
    seed lacks is made here: it is fixed once the wallet is written.
    """
    if not isinstance(document, dict):
        raise FormatError("not what a wallet remembers", "wallet")
    version = document.get("version", 1)
    if type(version) is not int or version < 1:
        raise FormatError("not a version", "wallet")
    if version > VERSION:
        raise NewerFile("a newer version of this software has written the wallet")
    for step in _STEPS[version - 1 :]:
        document = step(document)
    return {name: value for name, value in document.items() if name != "version"}


def _with_seed(document: dict[str, Any]) -> dict[str, Any]:
    """From 1 to 2: a seed. The keys of earlier purchases are not made from it."""
    purchases = [{**each, "place": None, "box": None} for each in document["purchases"]]
    return {
        **document,
        "identity": {
            "seed": Seed.create().entropy.hex(),
            "device": 0,
            "counters": {},
            "boxes": {},
            "words_shown": None,
            "backed_up": None,
        },
        "merchants": list(map(_merchant_of_version_1, document["merchants"])),
        "pending": [{**each, "place": None} for each in document["pending"]],
        "purchases": purchases,
    }


def _with_transfers(document: dict[str, Any]) -> dict[str, Any]:
    """From 2 to 3: purchases that pass from owner to owner."""
    return {
        **document,
        "purchases": [{**each, "handed": None} for each in document["purchases"]],
        "offers": [],
        "accepted": [],
        "transfers": [],
    }


def _with_cases(document: dict[str, Any]) -> dict[str, Any]:
    """From 3 to 4: what follows claims, and wallets for sandboxes."""
    return {
        **document,
        "identity": {**document["identity"], "sandbox": False},
        "claims": [{**each, "steps": []} for each in document["claims"]],
    }


def _merchant_of_version_1(document: dict[str, Any]) -> dict[str, Any]:
    """The first wallets knew one key of each log, no witnesses and no changes of keys."""
    merchant = {
        "quorum": encode_base64(NO_QUORUM.serialise()),
        "seed_witnesses": [],
        "key_changes": None,
        "handovers_digest": NO_HANDOVERS.digest().hex(),
        **document,
    }
    for log in ("purchases", "events"):
        if f"{log}_vkey" in merchant:
            merchant[f"{log}_vkeys"] = [merchant.pop(f"{log}_vkey")]
    return merchant


_STEPS: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    _with_seed,
    _with_transfers,
    _with_cases,
]
VERSION = 1 + len(_STEPS)
"""The version that this software writes."""
