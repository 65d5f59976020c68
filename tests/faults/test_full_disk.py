"""A real disk that fills up under load, and on which there is room again."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from issuer.slips import code_hash, slips
from ledger.store import Store
from tests.api.shop import SALE
from tests.databases import OwnPostgresql, check, small_disk
from tests.serving import serving

MERCHANT = "/v1/merchants/acme"
BODY = {"sales": [SALE] * 100}
THREADS = 4
MOST = 400  # requests of a thread; far more than there is room for
PATIENCE = 60  # seconds


class Seller:
    """A shop that records sales, each request with a name of its own."""

    def __init__(self, http: httpx.Client, operator_key: Path) -> None:
        self.http = http
        key = operator_key.read_text("ascii").strip()
        made = self.http.post(
            "/v1/merchants", json={"id": "acme", "name": "Acme"}, headers=_bearer(key)
        )
        assert made.status_code == 201
        self.headers = _bearer(made.json()["api_key"])
        self.acknowledged: dict[int, str] = {}
        self.refused: list[str] = []

    def record(self, name: str) -> bool:
        """Whether sales were recorded; otherwise the service has said so clearly."""
        headers = {**self.headers, "Idempotency-Key": name}
        answer = self.http.post(f"{MERCHANT}/sales", json=BODY, headers=headers)
        if answer.status_code == 200:
            self.acknowledged |= {
                row["slip"]["index"]: row["slip"]["code"] for row in answer.json()["rows"]
            }
            return True
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == "urn:kvitto:problem:overloaded"
        self.refused.append(name)
        return False

    def fill(self) -> None:
        """Record until there is no room; every thread sees it a few times."""

        def load(_thread: int) -> None:
            refusals = 0
            for _ in range(MOST):
                refusals += not self.record(str(uuid4()))
                if refusals == 3:
                    return
            pytest.fail("the disk is larger than it should be")

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(load, range(THREADS)))

    def read(self) -> None:
        for path in ("/healthz", MERCHANT, "/logs/acme/purchases/checkpoint"):
            assert self.http.get(path).status_code == 200, path


def _http(said: dict[str, Any]) -> httpx.Client:
    return httpx.Client(base_url=said["url"], timeout=PATIENCE)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _codes(url: str) -> set[bytes]:
    with Store(url) as store, store.read() as connection:
        return set(connection.scalars(select(slips.c.code_hash)))


@pytest.fixture(params=["sqlite", "postgresql"])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path, Path]]:
    """A database on a small disk, where the disk is, and the service's directory."""
    if request.param == "sqlite":
        with small_disk(tmp_path / "disk", 6) as disk:
            yield f"sqlite:///{disk}/kvitto.db", disk, disk
    else:
        server: OwnPostgresql = request.getfixturevalue("own_postgresql")
        with server.on_small_disk(14) as (url, disk):
            with Store(url) as store:
                store.create()
            yield url, disk, tmp_path


def test_a_disk_that_is_full_for_a_while(small: tuple[str, Path, Path], tmp_path: Path) -> None:
    url, disk, data = small
    ballast = disk / "ballast"
    with serving(data, tmp_path / "log", url) as (process, said), _http(said) as http:
        seller = Seller(http, data / "operator.key")
        assert seller.record("first")
        ballast.write_bytes(bytes(3 << 20))
        seller.fill()
        seller.read()
        recorded = len(seller.acknowledged)
        ballast.unlink()
        assert all(seller.record(name) for name in seller.refused[:5])
        seller.read()
        assert process.poll() is None
    assert recorded >= 100
    assert len(seller.acknowledged) == recorded + 500
    (purchases,) = [head for head in check(url) if head.origin.endswith("/acme")]
    assert purchases.size == len(seller.acknowledged)
    assert set(map(code_hash, seller.acknowledged.values())) == _codes(url)


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """The same without a disk of one's own: EFBIG in the place of ENOSPC."""
    data, limit = tmp_path / "data", 2 << 20

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    log = tmp_path / "log"
    with serving(data, log, preexec_fn=limited) as (process, said), _http(said) as http:
        seller = Seller(http, data / "operator.key")
        seller.fill()
        seller.read()
        recorded = len(seller.acknowledged)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert all(seller.record(name) for name in seller.refused[:3])
        seller.read()
    assert len(seller.acknowledged) == recorded + 300 > 300
    url = f"sqlite:///{data}/kvitto.db"
    check(url)
    assert set(map(code_hash, seller.acknowledged.values())) == _codes(url)
