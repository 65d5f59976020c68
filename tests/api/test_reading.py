"""Reads that are shared or kept: nobody sees less than what was there when they asked."""

import asyncio
from threading import Event
from typing import Any

import pytest

from api.reading import KeptTiles, SharedReads
from ledger.store import Store
from tests.api.shop import SALE, Shop


class _Source:
    """Reads that last until they are let go, each of what is there when it begins."""

    def __init__(self) -> None:
        self.value, self.reads = 0, 0
        self.go_on = Event()

    def read(self, key: str) -> tuple[str, int]:
        self.reads += 1
        seen = self.value
        assert self.go_on.wait(30)
        if key == "missing":
            raise LookupError(key)
        return key, seen


async def _until(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
        await asyncio.sleep(0.001)


def test_who_asks_after_a_write_reads_it() -> None:
    async def run() -> None:
        source = _Source()
        reads = SharedReads(source.read)
        early = [asyncio.create_task(reads.get("a")) for _ in range(5)]
        await _until(lambda: source.reads == 1)
        source.value = 1  # and its writer has been told
        late = [asyncio.create_task(reads.get("a")) for _ in range(5)]
        await asyncio.sleep(0.01)
        source.go_on.set()
        assert await asyncio.gather(*early) == [("a", 0)] * 5
        assert await asyncio.gather(*late) == [("a", 1)] * 5
        assert source.reads == 2
        assert (reads._running, reads._waiting) == ({}, {})

    asyncio.run(run())


def test_keys_do_not_wait_for_each_other_and_errors_are_their_own() -> None:
    async def run() -> None:
        source = _Source()
        reads = SharedReads(source.read)
        tasks = [asyncio.create_task(reads.get(key)) for key in ("a", "missing", "missing")]
        await _until(lambda: source.reads == 2)
        source.go_on.set()
        found, *failed = await asyncio.gather(*tasks, return_exceptions=True)
        assert found == ("a", 0)
        assert [type(error) for error in failed] == [LookupError] * 2
        assert (await reads.get("a"))[0] == "a"

    asyncio.run(run())


def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    async def run() -> None:
        source = _Source()
        reads = SharedReads(source.read)
        gone, stays = (asyncio.create_task(reads.get("a")) for _ in range(2))
        await _until(lambda: source.reads == 1)
        gone.cancel()
        source.go_on.set()
        assert await stays == ("a", 0)

    asyncio.run(run())


def test_a_checkpoint_is_never_older_than_a_write_that_was_answered(shop: Shop) -> None:
    path = "/logs/acme/purchases/checkpoint"
    for size in range(1, 4):
        shop.write("sales", {"sales": [SALE]})
        assert shop.get(path).text.split("\n")[1] == str(size)


def test_what_is_kept_is_bounded_and_the_oldest_goes() -> None:
    tiles = KeptTiles(most_bytes=3 * (100 + 200))
    for name in ("a", "b", "c"):
        tiles.put(("log", name, False), bytes(100))
    assert tiles.get(("log", "a", False)) is not None
    tiles.put(("log", "d", False), bytes(100))
    tiles.put(("log", "d", False), bytes(100))
    assert tiles.get(("log", "b", False)) is None
    assert tiles.get(("log", "a", False)) is not None
    tiles.put(("log", "huge", False), bytes(10_000))
    assert (tiles._bytes, len(tiles._kept)) == (0, 0)


def test_tiles_are_read_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("sales", {"sales": [SALE]})
    paths = [f"/logs/acme/purchases/tile/{name}/000.p/1" for name in ("0", "entries")]
    missing = "/logs/acme/purchases/tile/0/000.p/2"
    first = [shop.get(path) for path in paths]
    assert shop.get(missing).status_code == 404

    def fail(*_: Any) -> None:
        raise AssertionError("it is kept")

    with monkeypatch.context() as unread:
        unread.setattr(Store, "log", fail)
        again = [shop.get(path) for path in paths]
    assert [a.content for a in again] == [f.content for f in first]
    assert [a.headers["cache-control"] for a in again] == [
        f.headers["cache-control"] for f in first
    ]
    shop.write("sales", {"sales": [SALE]})
    assert shop.get(missing).is_success  # what was not there was not kept
