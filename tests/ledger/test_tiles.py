from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.merkle import (
    HASH_BYTES,
    build_consistency,
    build_inclusion,
    build_multiproof,
    build_root,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
    verify_multiproof,
)
from ledger.right_edge import RightEdge
from ledger.tiles import (
    Tile,
    TileReader,
    bundle_path,
    decode_bundle,
    encode_bundle,
    parse_bundle_path,
    parse_tile_path,
    tile_path,
    tile_width,
)

BIG = 70_000  # three levels of tiles
LEAVES = [leaf_hash(n.to_bytes(4, "big")) for n in range(BIG)]
TILES = {(tile.level, tile.index): tile.hashes for tile in RightEdge().grow(LEAVES).tiles}


def fetch(tiles: Sequence[Tile]) -> list[bytes]:
    return [TILES[tile.level, tile.index][: HASH_BYTES * tile.width] for tile in tiles]


def test_the_widths_of_the_example_in_the_specification() -> None:
    widths = {place: len(hashes) // HASH_BYTES for place, hashes in TILES.items()}
    assert widths == {(0, n): 256 for n in range(273)} | {
        (0, 273): 112,
        (1, 0): 256,
        (1, 1): 17,
        (2, 0): 1,
    }
    assert all(tile_width(*place, BIG) == width for place, width in widths.items())
    assert tile_width(0, 0, 256) == 256
    assert tile_width(1, 0, 256) == 1
    assert tile_width(0, 1, 256) == tile_width(1, 0, 255) == tile_width(2, 0, 65_535) == 0


@given(st.integers(1, BIG), st.data())
def test_proofs_from_tiles_verify_at_any_size(size: int, data: st.DataObject) -> None:
    grown = data.draw(st.integers(size, BIG))  # the tiles may be those of a larger log
    reader = TileReader(fetch, grown)
    root = build_root(reader, size)
    assert root == root_of(LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    verify_inclusion(LEAVES[index], index, size, build_inclusion(reader, index, size), root)
    old = data.draw(st.integers(0, size))
    proof = build_consistency(reader, old, size)
    verify_consistency(old, root_of(LEAVES[:old]), size, root, proof)
    wanted = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=30))
    leaves = {index: LEAVES[index] for index in wanted}
    verify_multiproof(leaves, size, root, build_multiproof(reader, wanted, size))


def test_tiles_are_fetched_once_and_together() -> None:
    calls: list[list[Tile]] = []

    def counting(tiles: Sequence[Tile]) -> list[bytes]:
        calls.append(list(tiles))
        return fetch(tiles)

    reader = TileReader(counting, BIG)
    build_multiproof(reader, range(0, BIG, 1_000), BIG)
    build_multiproof(reader, range(0, BIG, 1_000), BIG)
    assert len(calls) == 1
    assert len(set(calls[0])) == len(calls[0])


def test_of_many_tiles_each_is_fetched_once_and_few_are_kept() -> None:
    calls: list[list[Tile]] = []

    def counting(tiles: Sequence[Tile]) -> list[bytes]:
        calls.append(list(tiles))
        return fetch(tiles)

    wanted = range(0, BIG, 100)
    reader = TileReader(counting, BIG, 32)
    hashes = build_multiproof(reader, wanted, BIG)
    verify_multiproof({index: LEAVES[index] for index in wanted}, BIG, root_of(LEAVES), hashes)
    fetched = [tile for call in calls for tile in call]
    assert len(fetched) == len(set(fetched)) > 256
    assert max(map(len, calls)) == 32
    calls.clear()
    assert build_multiproof(reader, wanted, BIG) == hashes
    assert Tile(0, 0, 256) in calls[0]  # it had been let go


def test_a_false_tile_makes_a_false_proof_and_no_more() -> None:
    index, root = 5, root_of(LEAVES)

    def lying(tiles: Sequence[Tile]) -> list[bytes]:
        return [bytes([hashes[0] ^ 1]) + hashes[1:] for hashes in fetch(tiles)]

    honest = build_inclusion(TileReader(fetch, BIG), index, BIG)
    verify_inclusion(LEAVES[index], index, BIG, honest, root)
    lie = build_inclusion(TileReader(lying, BIG), index, BIG)
    with pytest.raises(VerificationError):
        verify_inclusion(LEAVES[index], index, BIG, lie, root)


@pytest.mark.parametrize("change", [b"", b"\0", None])
def test_a_tile_of_another_length_is_refused(change: bytes | None) -> None:
    def wrong(tiles: Sequence[Tile]) -> list[bytes]:
        return [data[:-1] if change is None else data + change for data in fetch(tiles)]

    if change == b"":
        assert build_root(TileReader(wrong, BIG), BIG) == root_of(LEAVES)
    else:
        with pytest.raises(FormatError, match="length"):
            build_root(TileReader(wrong, BIG), BIG)


def test_a_reader_knows_how_large_the_log_is() -> None:
    assert build_root(TileReader(fetch, 1_000), 1_000) == root_of(LEAVES[:1_000])
    with pytest.raises(FormatError, match="not that large"):
        build_root(TileReader(fetch, 1_000), 1_001)


# ---- the right edge


@given(st.lists(st.integers(0, 700), max_size=6))
def test_growing_in_steps_is_growing_at_once(steps: list[int]) -> None:
    edge = RightEdge()
    tiles: dict[tuple[int, int], bytes] = {}
    for step in steps:
        before = dict(tiles)
        growth = edge.grow(LEAVES[edge.size : edge.size + step])
        for tile in growth.tiles:
            place = tile.level, tile.index
            assert tile.extends == (place in before)
            assert tile.hashes.startswith(before.get(place, b""))  # old partials are prefixes
            tiles[place] = tile.hashes
        edge = growth.edge
    size = sum(steps)
    whole = RightEdge().grow(LEAVES[:size])
    assert edge == whole.edge
    assert edge.root == root_of(LEAVES[:size])
    assert tiles == {(tile.level, tile.index): tile.hashes for tile in whole.tiles}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, BIG])
def test_an_edge_is_found_again_in_the_tiles(size: int) -> None:
    edge = RightEdge().grow(LEAVES[:size]).edge
    assert RightEdge.load(fetch, size, edge.root) == edge
    with pytest.raises(VerificationError, match="do not lead"):
        RightEdge.load(fetch, size, leaf_hash(b"another"))


# ---- paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (Tile(63, 999, 1), "tile/63/999.p/1"),
        (Tile(1, 1_000, 255), "tile/1/x001/000.p/255"),
    ],
)
def test_known_paths(tile: Tile, path: str) -> None:
    assert tile_path(tile.level, tile.index, tile.width) == path
    assert parse_tile_path(path) == tile


indices = st.integers(0, 2**63 - 1)
widths = st.integers(1, 256)


@given(st.integers(0, 63), indices, widths)
def test_paths_are_read_as_written(level: int, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == Tile(level, index, width)
    assert parse_bundle_path(bundle_path(index, width)) == (index, width)


@given(st.from_regex(r"tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,2}[0-9]{3}(\.p/[0-9]{1,3})?\n?"))
def test_a_path_that_is_read_is_the_one_that_is_written(path: str) -> None:
    with suppress(FormatError):
        tile = parse_tile_path(path)
        assert tile_path(tile.level, tile.index, tile.width) == path
    with suppress(FormatError):
        assert bundle_path(*parse_bundle_path(path)) == path


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1_0",
        "tile/0/000.p/",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/entries/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_other_spellings_of_a_path_are_refused(path: str) -> None:
    assert parse_tile_path("tile/0/000") == Tile(0, 0, 256)
    with pytest.raises(FormatError):
        parse_tile_path(path)


def test_a_tile_is_no_bundle() -> None:
    assert parse_bundle_path("tile/entries/000.p/7") == (0, 7)
    with pytest.raises(FormatError):
        parse_bundle_path("tile/0/000.p/7")


@pytest.mark.parametrize(
    "coordinates", [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_coordinates_that_no_tile_has(coordinates: tuple[int, int, int]) -> None:
    with pytest.raises(FormatError):
        tile_path(*coordinates)


# ---- bundles


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_are_read_as_written(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == entries
    for width in (len(entries) - 1, len(entries) + 1):
        with pytest.raises(FormatError):
            decode_bundle(data, width)
    if entries:
        with pytest.raises(FormatError):
            decode_bundle(data[:-1], len(entries))
        with pytest.raises(FormatError):
            decode_bundle(data + b"\0", len(entries))


entries = st.binary(max_size=4).map(lambda entry: len(entry).to_bytes(2, "big") + entry)


@given(st.lists(entries, max_size=4).map(b"".join) | st.binary(), st.integers(-1, 5))
def test_a_bundle_that_is_read_is_the_one_that_is_written(data: bytes, width: int) -> None:
    try:
        read = decode_bundle(data, width)
    except FormatError:
        return
    assert (encode_bundle(read), len(read)) == (data, width)


def test_the_longest_entry() -> None:
    assert decode_bundle(encode_bundle([bytes(65_535)]), 1) == [bytes(65_535)]
