"""A shop's day as a process that can be stopped at any point.

``python -m tests.faults.teller load URL N…`` sells with one thread for each N, which is the number
of its first sale. ``… serve`` starts a process anew for each URL that it is sent, and that process
sells once for each number that it is sent, until there is an empty line.
"""

import json
import os
import sys
from collections.abc import Callable
from hashlib import sha256
from threading import Lock, Thread
from typing import Any

from aftersales.claims import DECIDED
from commitments.errors import Overloaded
from ledger.entries import Purchase
from ledger.events import events_origin
from ledger.store import Store, Transaction
from policies.policy import parse_policy
from tests.databases import SEALING
from tests.world import WARRANTY
from verifier.approvals import CLAIM, approvals
from verifier.decision_book import record_decisions

__all__ = ["ORIGIN", "ORIGINS", "THREADS", "claim_of", "entry_of", "open_store", "sell"]

ORIGIN = "ledger.example/acme"
ORIGINS = (ORIGIN, events_origin(ORIGIN))
THREADS = 4
_POLICY = parse_policy(WARRANTY)
_TIME = "2026-11-21T08:00:00Z"
_BODY = {
    "type": "claim",
    "origin": ORIGIN,
    "policy": "warranty-2y",
    "version": 1,
    "date": "2026-11-21",
    "number": 0,
    "remedy": "repair",
    "first": 0,
    "size": 1,
    "voided_at": 1,
    "lane": 0,
    "nonce": "00" * 16,
}


def open_store(url: str) -> Store:
    """The store with every table that it needs; verifier.schema has added those of the tags."""
    store = Store(url, sealing=SEALING)
    store.create()
    return store


def entry_of(sale: int) -> bytes:
    """The purchase: not a point, but as long as one and different for each sale."""
    return Purchase(b"\x02" + sale.to_bytes(32, "big")).encode()


def claim_of(sale: int) -> dict[str, Any]:
    """The event of the one claim on this purchase, with the two tags of its proof."""
    return {
        "type": DECIDED,
        "time": _TIME,
        "claim_id": sha256(b"claim %d" % sale).hexdigest(),
        "decision": "approved",
        "claim": _BODY,
        "tags": [sha256(b"%s %d" % (kind, sale)).hexdigest() for kind in (b"serial", b"secret")],
        "retire_by": None,
    }


def sell(store: Store, *sales: int) -> None:
    """Log purchases and the claims on them, and use up their tags; once, however often asked."""

    def unit(transaction: Transaction) -> None:
        for sale in sales:
            event = claim_of(sale)
            if not approvals(transaction.connection, ORIGIN, CLAIM, [event["claim_id"]]):
                transaction.append(ORIGIN, [entry_of(sale)])
                record_decisions(transaction, ORIGIN, [(event, _POLICY)])

    store.write(unit)


def _tell(document: dict[str, Any]) -> None:
    # One write: a line that a reader sees the end of was said in full.
    os.write(1, json.dumps(document).encode() + b"\n")


def _checkpoints(store: Store) -> list[str]:
    served = []
    for origin in ORIGINS:
        with store.log(origin) as log:
            served.append(log.checkpoint().decode())
    return served


def _load(url: str, first: list[int]) -> None:
    """Sell without end; thread t has the sales t, t + THREADS, and so on, from ``first`` on."""
    _tell({"opening": True})
    store, lock = open_store(url), Lock()

    def counter(sale: int) -> Callable[[], None]:
        def run() -> None:
            number = sale
            while True:
                sell(store, number)
                with lock:
                    _tell({"sold": number, "served": _checkpoints(store)})
                number += THREADS

        return run

    threads = [Thread(target=counter(sale), daemon=True) for sale in first]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _serve() -> None:
    """A fresh process for each URL, without the time that starting Python takes."""
    while url := _line():
        child = os.fork()
        if child == 0:
            _sell_as_told(url)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        _tell({"ended": os.waitstatus_to_exitcode(status)})


def _sell_as_told(url: str) -> None:
    store = open_store(url)
    _checkpoints(store)  # connections are open from here on
    _tell({"ready": os.getpid()})
    while number := _line():
        try:
            sell(store, json.loads(number))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            clear = isinstance(error, Overloaded)
            _tell({"refused": type(error).__name__, "clear": clear})
        else:
            _tell({"sold": json.loads(number)})


def _line() -> str:
    """A line of standard input, and no byte more: the rest is for another process."""
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := os.read(0, 1)):
            return ""
        line += byte
    return line.decode().strip()


if __name__ == "__main__":
    _, mode, *arguments = sys.argv
    if mode == "serve":
        _serve()
    else:
        url, *numbers = arguments
        _load(url, [json.loads(number) for number in numbers])
