"""The dashboard as files: built, and not built."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.routers import pages
from tests.api.shop import Shop
from tests.databases import Sqlite, fresh

SCRIPT = b"document.title = 'Kvitto';\n" * 40
PAGE = b"<!doctype html><script type=module src=/dashboard/assets/index-4Fz.js></script>"


@pytest.fixture(scope="module")
def shop(sqlite: Sqlite) -> Iterator[Shop]:
    with fresh(sqlite) as database, Shop(database, entered=False) as shop:
        yield shop


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the dashboard would be, with a template beside it."""
    (tmp_path / "templates").symlink_to(Path(str(pages._PAGES)) / "templates")
    monkeypatch.setattr(pages, "_PAGES", tmp_path)
    pages._built.cache_clear()
    yield tmp_path / "dashboard"
    pages._built.cache_clear()


@pytest.fixture
def built(place: Path) -> Path:
    (place / "assets").mkdir(parents=True)
    (place / "index.html").write_bytes(PAGE)
    (place / "assets" / "index-4Fz.js").write_bytes(SCRIPT)
    return place


def test_what_is_not_built_says_how_to_build_it(shop: Shop, place: Path) -> None:
    answer = shop.client.send("GET", "/dashboard")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "make dashboard" in answer.text
    assert shop.client.send("GET", "/dashboard/index.html").status_code == 404
    place.mkdir()
    (place / "index.html").write_bytes(PAGE)
    assert shop.client.send("GET", "/dashboard").content == PAGE


@pytest.mark.usefixtures("built")
def test_the_page_is_asked_for_again_and_its_parts_are_kept(shop: Shop) -> None:
    page = shop.client.send("GET", "/dashboard")
    assert (page.content, page.headers["cache-control"]) == (PAGE, "no-cache")
    script = shop.client.send("GET", "/dashboard/assets/index-4Fz.js")
    assert script.content == SCRIPT
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    for answer in (page, script):
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "worker-src 'self'", "trusted-types kvitto-worker"} <= set(
            policy
        )
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("built")
def test_who_has_it_is_told_so(shop: Shop) -> None:
    tag = shop.client.send("GET", "/dashboard").headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = shop.client.send("GET", "/dashboard", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    answer = shop.client.send("GET", "/dashboard", headers={"If-None-Match": '"other"'})
    assert answer.content == PAGE


@pytest.mark.usefixtures("built")
def test_parts_are_compressed_for_who_takes_it(shop: Shop) -> None:
    path = "/dashboard/assets/index-4Fz.js"
    plain = shop.client.send("GET", path, headers={"Accept-Encoding": "identity"})
    asked = {"Accept-Encoding": "gzip"}
    gzipped = shop.client.send("GET", path, headers=asked)
    assert "content-encoding" not in plain.headers
    assert gzipped.headers["content-encoding"] == "gzip"
    assert int(gzipped.headers["content-length"]) < len(SCRIPT) / 5
    assert gzipped.content == plain.content == SCRIPT  # the client has decompressed it
    assert plain.headers["vary"] == gzipped.headers["vary"] == "Accept-Encoding"
    tag = gzipped.headers["etag"]
    assert tag != plain.headers["etag"]
    kept = shop.client.send("GET", path, headers={**asked, "If-None-Match": tag})
    assert kept.status_code == 304


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("path", ["", "assets", "assets/", "../templates/unbuilt.html", "none.js"])
def test_nothing_else_is_served(shop: Shop, path: str) -> None:
    assert shop.client.send("GET", f"/dashboard/{path}").status_code == 404
