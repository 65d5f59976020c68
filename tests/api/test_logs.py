import httpx
import pytest

from ledger.events import events_origin
from ledger.tiles import TILE_WIDTH, decode_bundle
from tests.api.shop import SALE, Shop

IMMUTABLE = "public, max-age=604800, immutable"


NOT_THERE = [
    "purchases/tile/0/001",
    "purchases/tile/0/001.p/5",
    "purchases/tile/0/000.p/0",
    "purchases/tile/0/000.p/256",
    "purchases/tile/0/0",
    "purchases/tile/0/x000/000",
    "purchases/tile/00/000",
    "purchases/tile/64/000",
    "purchases/tile/-1/000",
    "purchases/tile/2/000.p/1",
    "purchases/tile/0/999",
    "purchases/tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
    "purchases/tile/entries/001.p/5",
    "purchases/tile/entries/002",
    "purchases/tile/entries/x999/x999/x999/x999/x999/x999/999",
    "purchases/tile/0/%D9%A0%D9%A0%D9%A0",
    "purchases/tile/",
    "purchases/tile",
    "purchases/checkpoint/",
    "purchases",
    "votes/checkpoint",
]


@pytest.fixture
def full(shop: Shop) -> Shop:
    """A purchase log with a full tile and a partial one."""
    for _ in range(2):
        assert shop.write("sales", {"sales": [SALE] * 130}).status_code == 200
    return shop


def _check_tile(answer: httpx.Response, content: bytes) -> None:
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == IMMUTABLE
    assert answer.headers["access-control-allow-origin"] == "*"


def test_checkpoints_are_those_of_the_logs(full: Shop) -> None:
    origin = full.merchant.origin
    for name, of in (("purchases", origin), ("events", events_origin(origin))):
        answer = full.get(f"/logs/acme/{name}/checkpoint")
        with full.store.log(of) as log:
            assert answer.content == log.checkpoint()
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_tiles_and_bundles_are_those_of_the_log(full: Shop) -> None:
    with full.store.log(full.merchant.origin) as log:
        for path, content in [
            ("0/000", log.tile(0, 0, TILE_WIDTH)),
            ("0/000.p/7", log.tile(0, 0, 7)),
            ("0/001.p/4", log.tile(0, 1, 4)),
            ("1/000.p/1", log.tile(1, 0, 1)),
            ("entries/000", log.bundle(0, TILE_WIDTH)),
            ("entries/001.p/3", log.bundle(1, 3)),
        ]:
            _check_tile(full.get(f"/logs/acme/purchases/tile/{path}"), content)
        entries = log.entries(256, 260)
    bundle = full.get("/logs/acme/purchases/tile/entries/001.p/4").content
    assert decode_bundle(bundle, 4) == entries


def test_an_old_partial_tile_stays_when_the_log_grows(shop: Shop) -> None:
    shop.write("sales", {"sales": [SALE] * 3})
    before = shop.get("/logs/acme/purchases/tile/0/000.p/3").content
    shop.write("sales", {"sales": [SALE] * 3})
    _check_tile(shop.get("/logs/acme/purchases/tile/0/000.p/3"), before)


def test_what_is_not_in_the_log_is_not_found_and_not_cached(full: Shop) -> None:
    for path in NOT_THERE:
        answer = full.get(f"/logs/acme/{path}")
        assert (answer.status_code, path) == (404, path)
        assert answer.json()["type"] == "urn:kvitto:problem:not-found"
        assert "cache-control" not in answer.headers


def test_an_unknown_merchant_has_no_logs(full: Shop) -> None:
    for merchant in ("other", "acme%2Fevents", "..", "%00"):
        assert full.get(f"/logs/{merchant}/purchases/checkpoint").status_code == 404
