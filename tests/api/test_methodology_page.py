"""The methodology is read where findings are shown, and is the project's document."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import pages
from auditor.detecting import DETECTORS
from tests.api.shop import Shop
from tests.api.test_reference import Page
from tests.databases import Sqlite, fresh

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def html(sqlite: Sqlite) -> Iterator[str]:
    with fresh(sqlite) as database, Shop(database, entered=False) as shop:
        answer = shop.client.send("GET", "/methodology")
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        yield answer.text


def test_it_is_the_document(html: str) -> None:
    document = ROOT / "docs" / "methodology.md"
    packaged = Path(pages.__file__).parent / "methodology.md"
    assert packaged.read_text("utf-8") == document.read_text("utf-8")
    titles = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    said = Page(html).text
    assert len(titles) > len(DETECTORS)
    assert all(title.replace("`", "") in said for title in titles)


def test_each_detector_can_be_linked_to(html: str) -> None:
    ids = Page(html).ids
    assert {detector.NAME for detector in DETECTORS} <= set(ids)
    assert len(set(ids)) == len(ids)


def test_nothing_leads_to_what_is_not_here(html: str) -> None:
    page = Page(html)
    here = {f"#{name}" for name in page.ids}
    assert {link for link in page.links if link.startswith("#")} <= here
    assert {link for link in page.links if not link.startswith("#")} == {"/dashboard"}
    assert all(load.startswith("/assets/") for load in page.loads)


def test_the_container_is_built_with_it() -> None:
    taken = (ROOT / "deploy" / "Containerfile.dockerignore").read_text("utf-8").split()
    assert "!docs/methodology.md" in taken
