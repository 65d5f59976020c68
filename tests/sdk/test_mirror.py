"""Reading a whole log: what is passed on is in it, and whatever is wrong is noticed."""

import tracemalloc
from collections.abc import Callable, Iterator
from gzip import compress
from typing import Any

import httpx
import pytest

from commitments.errors import Refused
from ledger.entries import Purchase
from ledger.monitor import FalseEntries, Head
from ledger.tiles import MAX_ENTRY_BYTES, decode_bundle, encode_bundle
from sdk import UnexpectedAnswer
from sdk.mirror import mirror
from tests.sdk.forgeries import PrivateLog, all_entries
from tests.sdk.shop_server import ShopServer, response
from tests.world import ORIGIN, World

SIZE = 700  # two bundles and a partial one

Lie = Callable[[bytes], Any]


def entries(stop: int, start: int = 0) -> list[bytes]:
    return [Purchase(n.to_bytes(33, "big")).encode() for n in range(start, stop)]


def grow(world: World, new: list[bytes]) -> None:
    world.store.write(lambda transaction: transaction.append(ORIGIN, new))


@pytest.fixture
def large(world: World) -> ShopServer:
    """A shop with a log of some bundles."""
    grow(world, entries(SIZE))
    return ShopServer(world)


def head_of(server: ShopServer) -> Head:
    with server.world.store.log(ORIGIN) as log:
        return Head.of(log.checkpoint())


def read(server: ShopServer) -> Iterator[bytes]:
    return mirror(server.shop(), "purchases", head_of(server))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 1025])
def test_the_mirror_is_the_log(world: World, size: int) -> None:
    if size:
        grow(world, entries(size))
    server, told = ShopServer(world), []
    head = head_of(server)
    mirrored = list(
        mirror(server.shop(), "purchases", head, lambda *progress: told.append(progress))
    )
    assert mirrored == all_entries(world) == entries(size)
    assert told == sorted(told)
    assert told[-1] == (size, size)


def test_the_mirror_ends_at_the_checkpoint(large: ShopServer) -> None:
    head = head_of(large)
    grow(large.world, entries(SIZE + 300, SIZE))
    assert list(mirror(large.shop(), "purchases", head)) == entries(SIZE)


def test_few_bundles_are_at_hand_at_once(world: World) -> None:
    grow(world, entries(20 * 256))
    server = ShopServer(world)
    mirrored = read(server)
    for _ in range(256):
        next(mirrored)
    asked = [path for path in server.paths() if "entries" in path]
    assert len(asked) <= 5
    assert list(mirrored) == entries(20 * 256)[256:]


@pytest.mark.usefixtures("ordinary_collector")
def test_a_merchant_fills_its_log_with_the_largest_entries(world: World) -> None:
    """A bundle has 17 MB then, and is at hand alone."""
    largest = [bytes(MAX_ENTRY_BYTES)] * 6 * 256
    server = ShopServer(world)
    log = PrivateLog(server, ORIGIN, largest)
    bundle = encode_bundle(largest[:256])

    def serve(request: httpx.Request) -> bytes:
        return bundle if "entries" in request.url.path else log(request)

    server.instead["/logs/acme/purchases/"] = serve
    mirrored = mirror(server.shop(), "purchases", Head.of(log.note))
    tracemalloc.start()
    try:
        assert sum(map(len, mirrored)) == len(largest) * MAX_ENTRY_BYTES
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(bundle)


def changed(change: Callable[[list[bytes]], list[bytes]]) -> Lie:
    """The bundle with other entries."""

    def lie(bundle: bytes) -> bytes:
        width = 256 if len(bundle) == 256 * 36 else SIZE % 256
        return encode_bundle(change(decode_bundle(bundle, width)))

    return lie


class Endless(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield bytes(1 << 16)


def never_ending(_bundle: bytes) -> httpx.Response:
    kind = {"Content-Type": "application/octet-stream"}
    return httpx.Response(200, headers=kind, stream=Endless())


def gzipped(content: bytes) -> httpx.Response:
    """Compressed, and that was not asked for."""
    answer = httpx.Response(200, stream=httpx.ByteStream(content))
    kind = {"Content-Type": "application/octet-stream", "Content-Encoding": "gzip"}
    answer.headers.update(kind)
    return answer


LIES: dict[str, tuple[Lie, type[Exception]]] = {
    "truncated": (lambda bundle: bundle[:-1], FalseEntries),
    "an entry too few": (changed(lambda own: own[:-1]), FalseEntries),
    "an entry too many": (changed(lambda own: [*own, own[0]]), FalseEntries),
    "empty": (lambda _: b"", FalseEntries),
    "swapped": (changed(lambda own: [own[1], own[0], *own[2:]]), FalseEntries),
    "omitted and another in its place": (
        changed(lambda own: [*own[1:], own[-1]]),
        FalseEntries,
    ),
    "a bit flipped": (lambda bundle: bundle[:-1] + bytes([bundle[-1] ^ 1]), FalseEntries),
    "of another bundle": (lambda bundle: encode_bundle(entries(len(bundle) // 36)), FalseEntries),
    "gzip where none was asked for": (lambda bundle: gzipped(compress(bundle)), UnexpectedAnswer),
    "garbage that says it is gzip": (lambda _: gzipped(b"garbage"), UnexpectedAnswer),
    "gzip that does not say so": (compress, FalseEntries),
    "never-ending": (never_ending, UnexpectedAnswer),
    "a web page": (lambda _: response(b"<html>", "text/html"), UnexpectedAnswer),
}


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize(("place", "true"), [("/entries/001", 256), ("/entries/002.p/188", 512)])
def test_a_lie_about_a_bundle_is_named_and_what_came_before_is_true(
    large: ShopServer, name: str, place: str, true: int
) -> None:
    lie, error = LIES[name]
    large.lies[place] = lie
    passed: list[bytes] = []
    with pytest.raises(error):
        passed.extend(read(large))
    assert passed == entries(true)
    large.lies.clear()
    assert list(read(large)) == entries(SIZE)


@pytest.mark.parametrize(
    "lie", [lambda tile: tile[::-1], lambda tile: tile[:32], lambda tile: tile + tile]
)
def test_false_hashes_of_bundles_are_noticed_before_anything_is_passed_on(
    large: ShopServer, lie: Lie
) -> None:
    large.lies["/tile/1/"] = lie
    with pytest.raises(FalseEntries):
        next(read(large))


def test_server_mirrors_a_fork(large: ShopServer) -> None:
    """All of the other branch is consistent: only the root that was verified tells."""
    head = head_of(large)
    own = entries(SIZE)
    fork = PrivateLog(large, ORIGIN, [*own[:300], own[5], *own[301:]])
    large.instead["/logs/acme/purchases/"] = fork
    with pytest.raises(FalseEntries):
        next(mirror(large.shop(), "purchases", head))
    forked = mirror(large.shop(), "purchases", Head.of(fork.note))
    assert list(forked) == fork.entries  # who believes its checkpoint gets it


def test_server_mirrors_an_old_log_that_ends_before_the_checkpoint(large: ShopServer) -> None:
    head = head_of(large)

    def old(request: httpx.Request) -> bytes:
        path = request.url.path.replace(".p/188", ".p/88")
        return PrivateLog(large, ORIGIN, entries(600))(httpx.Request("GET", f"https://x{path}"))

    large.instead["/logs/acme/purchases/"] = old
    with pytest.raises(FalseEntries):
        next(mirror(large.shop(), "purchases", head))


def test_server_has_gone_back(large: ShopServer) -> None:
    """The checkpoint is one that it has shown, and it does not have its entries any more."""
    longer = PrivateLog(large, ORIGIN, entries(SIZE + 1))
    with pytest.raises(Refused):
        next(mirror(large.shop(), "purchases", Head.of(longer.note)))


def test_a_mirror_asks_for_the_same_whoever_asks(large: ShopServer) -> None:
    asked = []
    for _ in range(2):
        large.requests.clear()
        list(mirror(large.shop(), "purchases", head_of(large)))
        asked.append(sorted(str(request.url) for request in large.requests))
    assert asked[0] == asked[1]
    assert len(asked[0]) == 5  # three bundles, the hashes of two, and those in the third
