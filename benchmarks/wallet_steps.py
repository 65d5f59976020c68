"""What a wallet does in a process of its own, with nothing else imported: its memory counts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx

from benchmarks.measure import Figure, figure, megabytes, timed
from commitments.envelope import Envelope
from sdk import Shop, Wallet
from sdk.state import State
from sdk.wallet_file import WalletFile

__all__ = ["CLAIMS", "Place", "claimed", "opened", "restored"]

CLAIMS = 10
"""Each by a wallet that has fetched nothing yet."""
_OPENED = 1000  # receipts of the wallet that is opened
_RUNS = 5


@dataclass(frozen=True)
class Place:
    """Where the wallet is, and its shop; ``receipts`` is how many it has from there."""

    file: Path
    passphrase: str
    words: str
    url: str
    merchant: str
    policy: str
    receipts: int


def opened(place: Place) -> list[Figure]:
    """Opening a wallet."""
    file, content = WalletFile.open(place.file, place.passphrase)
    file.close()
    state = State.decode(content)
    (first, *_) = state.purchases.values()
    for number in range(len(state.purchases), _OPENED):
        state = state.with_purchase(replace(first, order=f"more-{number}"))
    large = place.file.with_suffix(".large")
    WalletFile.create(large, place.passphrase, state.encode()).close()
    derived = [timed(partial(Envelope.create, "bench", place.passphrase)) for _ in range(_RUNS)]
    opened = [timed(lambda: Wallet.open(large, place.passphrase).close()) for _ in range(_RUNS)]
    after = [whole - min(derived) for whole in opened]
    what = f"open a wallet of {_OPENED:,} receipts"
    return [
        figure("wallet_derive_ms", "key derivation (scrypt)", "ms", derived),
        figure("wallet_open_ms", f"{what}, after key derivation", "ms", after, "under 300"),
    ]


def claimed(place: Place) -> list[Figure]:
    """Claims, each with another purchase."""
    waits, fetched = [], []
    for number in range(CLAIMS):
        with (
            Wallet.open(place.file, place.passphrase) as wallet,
            _counted(place) as (shop, read),
        ):
            waits.append(timed(partial(_claim, wallet, shop, place, number)))
            fetched.append(read() / 1e6)
    return [
        figure("wallet_cold_claim_ms", "claim, nothing fetched before", "ms", waits, "under 1,000"),
        figure("wallet_cold_claim_mb", "of it downloaded", "MB", fetched, "at most 2"),
        figure("wallet_claim_memory_mb", "memory of it at most", "MB", _peak(), "under 120"),
    ]


def restored(place: Place) -> list[Figure]:
    """Everything from the words, after :func:`claimed`."""
    wallet = Wallet.in_memory(words=place.words)
    with _counted(place) as (shop, read):
        wait = timed(partial(wallet.restore, shop))
        if (len(wallet.purchases), len(wallet.claims)) != (place.receipts, CLAIMS):
            raise RuntimeError("not everything came back")
        fetched = read() / 1e6
    what = f"restore {place.receipts} receipts from the words"
    return [
        figure("wallet_restore_s", what, "s", [wait / 1000], "under 30"),
        figure("wallet_restore_mb", "of it downloaded", "MB", [fetched]),
        figure("wallet_restore_memory_mb", "memory of it at most", "MB", _peak(), "under 120"),
    ]


def _peak() -> list[float]:
    return [megabytes()["VmHWM"]]


@contextmanager
def _counted(place: Place) -> Iterator[tuple[Shop, Callable[[], int]]]:
    """The shop, and how many bytes have come from it: as they were sent, bodies only."""
    read: list[int] = []

    class _Counting(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            body = b"".join(answer.iter_raw())
            read.append(len(body))
            return httpx.Response(
                answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body)
            )

    with Shop(place.url, place.merchant, transport=_Counting()) as shop:
        yield shop, lambda: sum(read)


def _claim(wallet: Wallet, shop: Shop, place: Place, number: int) -> None:
    purchase = wallet.purchases[number]
    result = wallet.claim(shop, place.policy, remedy="repair", purchase=purchase)
    if result.decision != "approved":
        raise RuntimeError(f"{result.decision}: {result.reason}")
