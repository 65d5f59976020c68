"""c2sp tlog-tiles over real HTTP, where tests/api/test_logs.py asks the application itself.

Sentences of the specification stand above what holds them; docs/ledger.md has the list.
"""

import gzip
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

import pytest
from httpx import Client
from starlette.datastructures import Headers

from api.codings import accepts_gzip
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.note import parse_vkey
from ledger.tiles import decode_bundle
from tests.api.shop import SALE, Shop
from tests.databases import Sqlite, fresh
from tests.serving import served

STEPS = (1, 254, 1, 1, 255, 88)
IMMUTABLE = "public, max-age=604800, immutable"


class Grown(NamedTuple):
    """A purchase log over HTTP that has grown, and the checkpoints that it published."""

    client: Client
    checkpoints: list[Checkpoint]


@pytest.fixture(scope="module")
def grown(sqlite: Sqlite) -> Iterator[Grown]:
    with fresh(sqlite) as database, Shop(database) as shop, served(shop.app) as url:
        client = Client(base_url=f"{url}/logs/acme/purchases/")
        vkey = parse_vkey(shop.get("/v1/merchants/acme").json()["purchases_vkey"])
        seen = [open_checkpoint(client.get("checkpoint").content, vkey)]
        for step in STEPS:
            assert shop.write("sales", {"sales": [SALE] * step}).status_code == 200
            seen.append(open_checkpoint(client.get("checkpoint").content, vkey))
        yield Grown(client, seen)
        client.close()


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


def levels_of(leaves: list[bytes]) -> list[list[bytes]]:
    """The hashes of each level of tiles: of a full tile below, never of a partial one."""
    levels = [leaves]
    while below := levels[-1]:
        full = range(0, len(below) - 255, 256)
        levels.append([root_of(below[start : start + 256]) for start in full])
    return levels[:-1]


def entries_of(grown: Grown) -> list[bytes]:
    found = []
    for number, width in ((0, 256), (1, 256), (2, 88)):
        path = f"tile/entries/00{number}" + (f".p/{width}" if width < 256 else "")
        found += decode_bundle(grown.client.get(path).content, width)
    return found


def test_all_tiles_of_every_published_checkpoint_are_there(grown: Grown) -> None:
    # "Logs MUST serve partial tiles corresponding to tree sizes for which a checkpoint was
    # produced"; "floor(s / 256**l) mod 256"; "MUST NOT be hashed into a tile at the level above".
    entries = entries_of(grown)
    leaves = [sha256(b"\0" + entry).digest() for entry in entries]
    assert [head.size for head in grown.checkpoints] == [0, 1, 255, 256, 257, 512, 600]
    for head in grown.checkpoints[1:]:
        assert root_of(leaves[: head.size]) == head.root
        for level, hashes in enumerate(levels_of(leaves[: head.size])):
            number, width = divmod(len(hashes), 256)
            for full in range(number):
                tile = grown.client.get(f"tile/{level}/{full:03d}").content
                assert tile == b"".join(hashes[256 * full : 256 * full + 256])
            assert width == (head.size // 256**level) % 256
            if width:
                tile = grown.client.get(f"tile/{level}/{number:03d}.p/{width}").content
                assert tile == b"".join(hashes[256 * number :])
        start = head.size // 256 * 256
        if width := head.size % 256:
            bundle = grown.client.get(f"tile/entries/{start // 256:03d}.p/{width}").content
            assert decode_bundle(bundle, width) == entries[start : head.size]


def test_no_tile_is_empty_or_of_a_level_that_is(grown: Grown) -> None:
    # "Empty tiles MUST NOT be served"; L "between 0 and 63"; W "between 1 and 255".
    for there in ("tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"):
        assert grown.client.get(there).status_code == 200
    for path in (
        "tile/0/002.p/0",
        "tile/0/002.p/89",
        "tile/0/002",
        "tile/0/003.p/1",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/2/000",
        "tile/64/000",
        "tile/entries/002",
        "tile/entries/002.p/0",
    ):
        answer = grown.client.get(path)
        assert (answer.status_code, path) == (404, path)
        assert "Cache-Control" not in answer.headers


@pytest.mark.parametrize(
    ("path", "kind", "kept"),
    [
        # "This endpoint is mutable, so its headers SHOULD prevent caching beyond a few seconds."
        ("checkpoint", "text/plain; charset=utf-8", "no-store"),
        # "This endpoint is immutable, so its caching headers SHOULD be long-lived."
        ("tile/0/000", "application/octet-stream", IMMUTABLE),
        ("tile/0/002.p/88", "application/octet-stream", IMMUTABLE),
        ("tile/entries/001", "application/octet-stream", IMMUTABLE),
        ("tile/entries/002.p/88", "application/octet-stream", IMMUTABLE),
    ],
)
def test_what_a_cache_and_a_browser_are_told(grown: Grown, path: str, kind: str, kept: str) -> None:
    answer = grown.client.get(path)
    assert answer.headers.get_list("Content-Type") == [kind]
    assert answer.headers.get_list("Cache-Control") == [kept]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    head = grown.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    same = {name for name in answer.headers if name not in ("date", "x-request-id")}
    assert {name: head.headers[name] for name in same} == {n: answer.headers[n] for n in same}


def test_bundles_are_compressed_for_who_asks(grown: Grown) -> None:
    # "Entry bundles SHOULD be compressed at the HTTP layer", by "any compression algorithm
    # requested by the client with `Accept-Encoding`".
    for path, compressed in (("tile/entries/001", True), ("tile/0/001", False)):
        sent = {}
        for coding in ("gzip", "identity"):
            asked = {"Accept-Encoding": coding}
            with grown.client.stream("GET", path, headers=asked) as answer:
                sent[coding] = b"".join(answer.iter_raw())
                wanted = coding == "gzip" and compressed
                assert answer.headers.get("Content-Encoding") == ("gzip" if wanted else None)
                assert answer.headers.get("Vary") == ("Accept-Encoding" if compressed else None)
        plain = gzip.decompress(sent["gzip"]) if compressed else sent["gzip"]
        assert plain == sent["identity"]


def test_nothing_but_reading_is_possible_and_an_error_is_not_kept(grown: Grown) -> None:
    for path in ("checkpoint", "tile/0/000", "tile/entries/000"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = grown.client.request(method, path)
            assert answer.status_code == 405
            assert "Cache-Control" not in answer.headers
    missing = grown.client.head("tile/0/999")
    assert (missing.status_code, missing.content) == (404, b"")


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("identity, gzip", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip ; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("identity", False),
        ("gzipped", False),
        ("*", False),
        ("", False),
    ],
)
def test_who_accepts_gzip(header: str, accepted: bool) -> None:  # noqa: FBT001
    assert accepts_gzip(Headers({"Accept-Encoding": header})) is accepted
